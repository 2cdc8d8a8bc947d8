"""Says inside a file that a model made it: IPTC's digital source type, as an XMP packet.

https://cv.iptc.org/newscodes/digitalsourcetype/ - the same words in WebP, AVIF and MP4.
"""

AI_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

AI_GENERATED_XMP = (
    "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>"
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{AI_GENERATED}"/>'
    "</rdf:RDF></x:xmpmeta><?xpacket end='r'?>"
).encode()
