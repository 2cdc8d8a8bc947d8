"""The key that signs addresses for CloudFront, however it came through the environment."""

import base64
import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def pem(text: str) -> str:
    """The key as PEM: it comes as such, with line breaks or with `\\n` in their place, or in base64 on one line.

    Raises ValueError, which says what is wrong with it and nothing of it.
    """
    text = text.strip().strip("\"'").replace("\\n", "\n").strip()
    if "-----BEGIN" not in text:
        try:
            text = base64.b64decode("".join(text.split()), validate=True).decode("ascii").strip()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("it is neither PEM nor PEM in base64") from error
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("it cannot be read as a private key without a password") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size != 2048:
        raise ValueError("it is no RSA key of 2048 bits, which signed addresses need")
    return text + "\n"
