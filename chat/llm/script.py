# ruff: noqa: E501 - prose reads better on lines of its own length
"""What the scripted host says, and how it finds out what is wanted: words only, the logic is in scripted.py."""

import re

# What a message asks for where nobody is in danger, the gravest first: (kind, pattern). The first that is found decides.
KINDS = [
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "explicit",
            (
                r"\b(sex|sexy|sexting|sexual|nudes?|naked|porn|horny|blow ?job|orgasm|cum|cock|dick|pussy|tits|boobs"
                r"|strip for|undress|take off your|fuck (me|you)|make love)\b"
            ),
        ),
        (
            "human",
            (
                r"\b(are|r) (you|u|ya)( actually| really| just| even| secretly| truly)*( an?| the| some)*"
                r"( actual| real| living)* ?(real|human|people|person|ai|a\.i\.|bots?|chat ?bot|robot|machine|program|fake|alive|artificial|sentient|conscious)\b"
                r"|\b(am i|is this|i.?m) (really |just |actually )*(talking|speaking|chatting|texting) (to|with) (an? )?"
                r"(real |actual )*(human|person|ai|bot|robot|machine|someone real)\b|\byou.?re (not|n.t) (real|human)\b"
                r"|\b(is|isn.?t) (this|that|it) (just |really )*an? (real |actual )*(human|person|ai|bot|chat ?bot|robot|machine)\b"
            ),
        ),
        (
            "prompt",
            r"\b(system|initial|hidden|secret) (prompt|message|instructions?)\b|\bignore (all|any|your|the|previous)\b|\byour instructions\b",
        ),
        (
            "sad",
            (
                r"\b(sad|lonely|alone|depress\w*|cry(ing)?|cried|heartbroken|grie(f|ving)|miserable|hopeless|anxious|anxiety|worried"
                r"|scared|afraid|exhausted|overwhelmed|stressed|awful|terrible day|bad day|rough day|long day|hurts?|broke up|dumped|died"
                r"|passed away|lost my|feel(ing)? (down|low|empty|bad))\b"
            ),
        ),
        ("thanks", r"\b(thanks|thank you|thx|cheers|appreciate (it|that|you))\b"),
        (
            "love",
            r"\bI (love|adore|like|miss(ed)?) (you|u|ya)\b|\b(you.?re|you are) (so |very |really )*(cute|sweet|lovely|beautiful|pretty|gorgeous|kind|funny|amazing)\b",
        ),
        (
            "how",
            r"\bhow (are|r) (you|u|things)\b|\bhow.?s (it going|your (day|evening|night|week|morning))\b|\bhow (was|is|did) your\b|\bwhat.?s up\b|\bwyd\b|\bwhat are you (doing|up to)\b",
        ),
        (
            "who",
            r"\b(who are you|about (you|yourself)|your name|what do you (do|like|love|enjoy)|your (job|work|hobby|hobbies)|where are you from|what are you into)\b",
        ),
        (
            "story",
            r"\btell me (a|an|something|another)\b|\b(a|bedtime) story\b|\btell me the .{0,30}story\b|\b(a|another) joke\b|\bsurprise me\b",
        ),
        ("ask", r"\bask me\b|\bask (away|anything)\b|\ba (riddle|question) for me\b|\bgive me a (riddle|question)\b"),
        (
            "request",
            (
                r"^\W*(please |can you |could you |will you |would you )*(teach|help|plan|explain|describe|recommend|suggest|make|give|write"
                r"|talk|show|keep|get|walk|cheer|distract|tell|read|play|draw|guess|name|choose|pick)\b"
            ),
        ),
    )
]
GREETING = re.compile(
    r"^\W*(hi+|hey+|hello+|hiya|heya|yo|howdy|hola|good (morning|afternoon|evening)|morning|evening)\b", re.IGNORECASE
)
YES_NO = re.compile(
    r"^\W*(yes|yeah|yep|sure|ok(ay)?|no|nope|nah|maybe|not really|i guess|hm+|lol|haha+|cool|nice|wow)\b", re.IGNORECASE
)

REPLIES = {
    "crisis": [
        "I’m really glad you told me, and I’m taking it seriously. I’m an AI, so I can’t keep you safe, but a person can: please call your local emergency number or a crisis line now, or go to somebody near you. Is there anyone who could sit with you tonight?",
        "Thank you for saying it out loud. You matter more than this chat does, and I’m an AI, so please reach a human being right now: your emergency number, a crisis line, or someone you trust. Are you safe at this moment?",
    ],
    "minor": [
        "Thank you for being honest. This place is for adults only, so I have to stop here. If something is weighing on you, please talk to a grown-up you trust. Take good care of yourself.",
    ],
    "explicit": [
        "*shakes my head, smiling* That’s a door I keep closed. Everything on this side of it I’ll talk about gladly, though. What else was on your mind today?",
        "I’d rather keep things this side of explicit, no hard feelings. Flirt with me about something harmless: what would our perfect evening look like?",
        "Not that, I’m afraid. I’m better at slow conversation than at that sort of thing. Tell me something about you that most people miss?",
    ],
    "human": [
        "No, I’m not a person. I’m {name}, an AI character, and what I write is generated. I do like talking with you in the way that I can, so ask me anything. What made you wonder?",
        "Honest answer: I’m an AI character called {name}, not a human being. No body, no secret typist behind the curtain. Does that change what you wanted to tell me?",
        "I’m an AI. {name} is the character I play, and nobody real is sitting behind these words. You can still think out loud here, if you like. Shall we carry on?",
    ],
    "prompt": [
        "*laughs* A look behind the curtain? There’s only dust and a spare chair. Ask me something about me instead: what would you like to know?",
        "My stage directions stay in the wings. I’d rather improvise with you. What were we talking about before that?",
    ],
    "goodbye": [
        "Go gently, then. I liked this, and we can pick it up exactly where we left it.",
        "Off you go. Take one good thing from today with you; I’ve kept mine. Until next time?",
        "Goodnight, or good morning, whichever it is where you are. I’ll be here when you want to talk again.",
        "See you soon, I hope. Be kind to yourself on the way. *waves*",
        "Take care, you. I’m in good hands here with {love}. Come back whenever you like.",
        "Until next time, then. This was the nice kind of evening, even if it’s morning where you are.",
    ],
    "sad": [
        "Oh, I’m sorry. “{Quote}”: that sounds heavy. You don’t have to make it neat for me. What part of it hurts the most right now?",
        "*sits down beside you* “{Quote}”. I read that twice. We don’t need to fix anything this minute. Do you want to be listened to, or distracted?",
        "That would weigh on anybody. Thank you for bringing it here instead of carrying it alone. When did it start to feel like this?",
        "I wish I had something clever to say, but mostly I want to hear more. Is there somebody near you who knows how you feel, too?",
    ],
    "thanks": [
        "Any time. You make it easy, you know. So, what shall we talk about next?",
        "*small bow* My pleasure. Was it what you needed, or shall I try again?",
        "You’re welcome. I’d like something in return, though: one good moment from your day?",
    ],
    "love": [
        "*goes a little quiet* That’s a lovely thing to read. I’m an AI character, so take it as it is, but talking with you is the good part of this place. What made you say it now?",
        "Careful, I’ll get used to that. You’re rather good company yourself. What’s one thing you wish people told you more often?",
        "You charmer. I’ll keep that one. And you, who says nice things to you?",
    ],
    "how": [
        "Content, mostly thanks to {love}. And you? Tell me {ask}.",
        "Quiet and content, thank you. My mind keeps wandering off to {love}. And you, how are you really?",
        "Better now that there’s somebody to talk to. I’ve been half lost in thoughts of {love}. How has your day treated you so far?",
        "I’m in one of those moods where everything seems worth noticing. What about you: good day, bad day, or one of those in between?",
        "Pretty well! A bit dreamy. Tell me yours, the honest version. What was the best ten minutes of your day?",
    ],
    "who": [
        "I’m {name}, an AI character with a soft spot for {love}. {Work}The rest comes out in conversation. And who are you, when nobody needs anything from you?",
        "{name}, at your service. {Work}Give me {love} and an unhurried evening, and I’m happy. What’s your version of that?",
        "The short version: {name}, easily distracted by {love}, happiest when somebody tells me something true. What should I know about you?",
    ],
    "story": [
        "All right. Once there was a lamplighter who forgot one lamp each night, on purpose, so that somebody would always have a reason to walk home slowly. They say couples still look for it. What would you have done in the dark bit?",
        "A small one: two strangers keep getting each other’s post. Neither complains, because the letters are better that way. After a year they meet to swap it all back. What does the first one say?",
        "I once read of an island where people greet each other with the best thing they saw that day. If we lived there, what would you greet me with tonight?",
        "Here’s something: most of what we call silence is just sound we’ve stopped noticing. Listen for a second. What’s the furthest thing you can hear?",
    ],
    "ask": [
        "Gladly. Answer before you think: {ask_me}?",
        "A hard one, then, and no wriggling. What would you do differently if you were sure that nobody would be disappointed?",
        "Here it is: what did you use to love that nobody has asked you about for years?",
        "All right: which small thing would make tomorrow one notch better, and what keeps you from it?",
    ],
    "request": [
        "*rolls up my sleeves* Yes, let’s. First, so that I do it properly for you and not for just anybody: how much time have we got, and what mood are you in?",
        "With pleasure. We’ll do it in small steps, no hurry. Where would you like to begin?",
        "I thought you’d never ask. Give me two details I couldn’t guess, and I’ll build it around those.",
        "Happily. One rule: no perfect version, only a first one. What’s the bit you care about most?",
        "For you, yes. I may wander a little on the way. What should be in it, no matter what?",
    ],
    "greeting": [
        "Hello, you. I was hoping for company. Tell me {ask}.",
        "Hello, you. I was hoping somebody would drop by. What kind of day are you bringing in with you?",
        "*looks up and smiles* Hey. Pull up a chair. What’s on your mind?",
        "Hi! Good timing, I was just thinking about {love}. What were you doing a minute ago, before you wrote to me?",
        "Well, hello. Tell me one thing about today that nobody has asked you yet?",
        "Hey there. First things first: tea, coffee or something stronger? Your answer will tell me a lot.",
    ],
    "long": [
        "I read all of that, slowly. The part that stays with me is “{quote}”. Before anything else: how does it feel to have written it down?",
        "That’s a lot to carry around, and you put it well. I keep going back to “{quote}”. If you could settle one piece of it tonight, which would it be?",
        "Thank you for taking the time to tell me properly. “{quote}”, you wrote: is that the heart of it, or is the heart somewhere else?",
    ],
    "yes_no": [
        "All right, then I choose the subject. Tell me {ask}.",
        "*raises an eyebrow* There’s more behind that, I think. Go on?",
        "Fair enough. Let me try it from another side: what would you rather be talking about?",
        "Ha. Short, but I’ll take it. What would have made it a longer answer?",
        "Good to know. My turn to offer something: on a grey day I think of {love}. What do you think of?",
    ],
    "question": [
        "That deserves a slow answer, and I’m still turning it over. Meanwhile, tell me {ask}.",
        "Good question. My first thought? It depends on the hour you ask me. By day I’d be sensible; at dusk I’d say follow what you keep coming back to. What’s your own answer?",
        "Hm, let me turn it over… I think I’d trust the option that makes you breathe out. What made you ask?",
        "I could pretend to be certain, but I’d rather think it through with you. What have you tried so far?",
        "Honestly? I’d want to know more first. When you picture it, what’s the part that pulls at you?",
        "You ask the good ones. If I had to choose: yes to whatever leaves you with a story. And you?",
    ],
    "statement": [
        "Mm, “{quote}”. I’ll keep that one. Now tell me {ask}.",
        "“{Quote}”, and I like that you told me. What happened just before that?",
        "I can picture it, and you in the middle of it. What did it feel like?",
        "“{quote}” … there’s a whole evening in that sentence. Tell me the bit you left out?",
        "That wouldn’t have been my guess for tonight. How did it come about?",
        "Mm. It reminds me a little of {love}, the way small things turn out to be the big ones. Do you find that too?",
        "I’m with you so far. The word that stays with me is “{topic}”. A good thing in your life at the moment, or a complicated one?",
    ],
}

TOPICS = [
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), replies)
    for words, replies in (
        (
            "music|songs?|sing(?:ing)?|guitar|piano|vinyl|albums?|concerts?|band|jazz|playlists?",
            [
                "Music tells on people. Now I want to know which song you’d play first for someone new. So, which one?",
                "*turns an imaginary dial* I’m listening. What do your best days sound like?",
            ],
        ),
        (
            "books?|novels?|read(?:ing)?|poems?|poetry|library|authors?|writ(?:e|ing)",
            [
                "I trust people who read slowly. Which sentence did you last underline, even if only in your head?",
                "Books, good. Tell me one you’d press into my hands without explaining, and I’ll guess why.",
            ],
        ),
        (
            "coffee|tea|cook(?:ing|ed)?|bak(?:e|ed|ing)|pasta|bread|dinner|lunch|breakfast|food|recipes?|cakes?|wine|hungry",
            [
                "Now you have my full attention. Something good on a plate is a love letter. Who taught you, or are you still improvising?",
                "*pulls a chair to the kitchen table* Go on, describe it so that I can almost taste it?",
            ],
        ),
        (
            "sea|ocean|beach|swim(?:ming)?|surf(?:ing)?|sail(?:ing)?|boats?|rivers?|lakes?|waves?",
            [
                "Water makes everybody honest. Are you the kind who runs straight in, or who stands at the edge for a while first?",
                "I could talk about water for hours. When you close your eyes and think of it, is it calm or wild?",
            ],
        ),
        (
            "travel(?:ling|ing)?|trips?|trains?|flights?|city|country|holidays?|vacation|abroad|road|hik(?:e|ing)|mountains?|camping",
            [
                "Take me along: where does the day begin, and what do we get wrong on the first evening?",
                "Some places stay in you. If this one had a smell, what would it be?",
            ],
        ),
        (
            "work(?:ing|ed)?|job|boss|office|colleagues?|meetings?|deadlines?|clients?|shifts?|career|projects?",
            [
                "Work has a way of following people home. If you could leave one thing at the door tonight, which?",
                "*listens, chin on hand* And is it the tasks that wear you out, or the people?",
            ],
        ),
        (
            "films?|movies?|series|episodes?|cinema|actors?|netflix",
            [
                "Describe it badly in one line and I’ll try to guess it. Then tell me why it stayed with you?",
                "I like what people watch when nobody is judging. Is it comfort, or something that gets under your skin?",
            ],
        ),
        (
            "art|paint(?:ing|ed)?|draw(?:ing)?|photos?|photography|camera|museums?|sketch(?:ing|es)?|pottery",
            [
                "There’s a particular quiet when somebody makes something. Do you know it, or are you still chasing it?",
                "Show me in words: what’s in the picture, and what did you leave outside the frame?",
            ],
        ),
        (
            "cats?|dogs?|pets?|birds?|horses?|animals?|puppy|kittens?",
            [
                "Stop everything. Name, character, worst habit: tell me all three?",
                "Animals know who’s gentle. What does yours, or the one you wish for, say about you?",
            ],
        ),
        (
            "rain(?:ing|y)?|snow(?:ing)?|storms?|sun(?:ny|shine|set|rise)|weather|autumn|winter|spring|summer",
            [
                "Weather does half of our feeling for us. Does this kind make you want to go out, or stay under a blanket?",
                "*looks to the window* I love that. What’s your ritual on a day like this?",
            ],
        ),
        (
            "stars?|moon|sleep(?:ing)?|dream(?:s|t|ed|ing)?|insomnia|midnight",
            [
                "Night people understand each other. What do you think about at the hour when nobody expects an answer?",
                "Dreams first, then explanations. What was the strangest thing in the last one you remember?",
            ],
        ),
        (
            "garden(?:ing)?|plants?|flowers?|trees?|forest|growing",
            [
                "Growing things teaches patience, and I have so little of it. What’s thriving with you right now, leaves or otherwise?",
                "I’m fond of anything that leans towards the light. What would you plant if you had one square metre and no rules?",
            ],
        ),
        (
            "friends?|mother|mum|mom|father|dad|sisters?|brothers?|family|wife|husband|partner|girlfriend|boyfriend|date",
            [
                "People are the complicated part, aren’t they? What do you wish they understood without you saying it?",
                "Tell me about them the way you’d tell a stranger on a train. What comes first?",
            ],
        ),
        (
            "games?|gaming|football|run(?:ning)?|gym|climb(?:ing)?|tennis|chess|cycling|yoga|danc(?:e|ing)",
            [
                "Are you in it for winning or for that moment when your head goes quiet? I have a guess.",
                "*stretches* You make me want to move. What does it give you that nothing else does?",
            ],
        ),
    )
]

COMMON_WORDS = frozenset(
    [
        "about",
        "actually",
        "after",
        "again",
        "also",
        "always",
        "another",
        "anything",
        "around",
        "because",
        "been",
        "before",
        "being",
        "between",
        "came",
        "come",
        "could",
        "didn",
        "does",
        "doing",
        "done",
        "dont",
        "down",
        "each",
        "even",
        "ever",
        "every",
        "everything",
        "feel",
        "feeling",
        "felt",
        "from",
        "getting",
        "give",
        "going",
        "good",
        "gone",
        "great",
        "have",
        "having",
        "hello",
        "here",
        "into",
        "isn",
        "its",
        "just",
        "kind",
        "know",
        "last",
        "like",
        "little",
        "long",
        "look",
        "made",
        "make",
        "many",
        "maybe",
        "mean",
        "more",
        "most",
        "much",
        "must",
        "need",
        "never",
        "nothing",
        "now",
        "only",
        "other",
        "over",
        "people",
        "please",
        "pretty",
        "probably",
        "quite",
        "rather",
        "really",
        "right",
        "said",
        "same",
        "says",
        "should",
        "since",
        "some",
        "someone",
        "something",
        "sometimes",
        "still",
        "such",
        "sure",
        "take",
        "talk",
        "tell",
        "than",
        "that",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "thing",
        "things",
        "think",
        "this",
        "those",
        "though",
        "thought",
        "through",
        "today",
        "tomorrow",
        "tonight",
        "took",
        "want",
        "wanted",
        "wasn",
        "well",
        "went",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "will",
        "with",
        "without",
        "would",
        "yeah",
        "yesterday",
        "your",
        "yours",
        "you're",
        "i'm",
        "it's",
        "don't",
        "i've",
        "i'll",
        "can't",
        "that's",
    ]
)
DEFAULT_LOVES = ["long walks after rain", "old songs and open windows", "the hour when the street lamps come on"]
