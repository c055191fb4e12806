"""Names to be planted into a vocabulary: pairs that are one thing, and a thousand that are not."""

from itertools import product

from tags.cleanup.models import Kind

# By kind: the name that is to go, the one that stays, and how many images each has.
PLANTED = {
    Kind.CASE: [
        ("Knee", "knee", 1, 3),
        ("CHEST X-RAY", "chest x-ray", 0, 2),
        ("Ærø", "ærø", 1, 2),
        ("leftHand", "lefthand", 1, 2),
    ],
    Kind.SPACING: [
        ("left-shoulder", "left shoulder", 1, 2),
        ("left_elbow", "left elbow", 1, 2),
        ("leftwrist", "left wrist", 1, 2),
        ("T2-weighted", "T2 weighted", 0, 1),
        ("O'Brien", "OBrien", 0, 1),
        ("study 2019-01", "study 2019/01", 0, 1),
        ("C-arm", "c arm", 1, 2),
    ],
    Kind.ACCENTS: [
        ("cafe", "café", 1, 2),
        ("Røntgen", "rontgen", 0, 1),
        ("crane foetal", "crâne-fœtal", 0, 2),
    ],
    Kind.PLURAL: [
        ("fractures", "fracture", 1, 4),
        ("masses", "mass", 0, 1),
        ("biopsies", "biopsy", 1, 2),
        ("diagnoses", "diagnosis", 0, 1),
        ("vertebrae", "vertebra", 0, 1),
        ("bronchi", "bronchus", 0, 1),
        ("feet", "foot", 0, 1),
        ("metal screws", "metal screw", 1, 2),
        ("lung-nodules", "lung nodule", 0, 1),
        # The one with more images stays, whichever it is.
        ("implant", "implants", 1, 3),
    ],
    Kind.SPELLING: [
        ("anteroir", "anterior", 1, 3),
        ("accomodation", "accommodation", 1, 2),
        ("posteror", "posterior", 1, 2),
        ("ankel", "ankle", 1, 2),
        ("meniscal lession", "Meniscal Lesion", 0, 1),
        ("calcanius", "calcaneus", 1, 2),
        ("shouldar", "shoulder", 1, 10),
        ("scaphoi", "scaphoid", 1, 10),
    ],
}

# Names that look alike and are not: no two of a line are one thing.
UNLIKE = [
    "L1 L2 L3 L4 L5 L12 L21 S1 T1 T2 T12 T-11",
    "2018 2019 2020 2021 1.5 15 1-5x 12 1.2 -5 5 20 200 2000",
    "C C++ C# R",
    "mass mask mast cast case cape",
    "plane plate place plank",
    "house horse mouse",
    "ileum ilium ileal iliac",
    "abduction adduction",
    "perineal peroneal",
    "medial medical",
    "radial radical",
    "tibia tibial",
    "ulna ulnar",
    "femora femoral",
    "humerus humorous",
    "carpal tarsal metacarpal metatarsal",
    "flexion flexor",
    "pelvis pelvic",
    "thorax thoracic",
    "ventral central dental mental",
    "proximal distal cranial caudal dorsal",
    "anterior posterior interior exterior inferior superior",
    "lens len gas ga news new glass glasses",
    "series serie species specie",
    "1980 1980s 1990s",
    "мой мои",
    "かき がき",
    "कि कु",
    "à a où ou",
    "left right",
    "upper lower",
    "white write while",
    "heart hearth",
    "brain drain train grain",
]
BODY = "skull jaw neck chest spine hip thigh shin calf heel palm thumb eye ear nose lip gum lung"
VIEW = "frontal oblique axial sagittal coronal tunnel skyline swimmer"
STATE = "cyst edema stent suture drain scar tumor"


def unlike(count: int = 1_000) -> list[str]:
    """So many names of which no two are one thing, the same each time."""
    names = [name for line in UNLIKE for name in line.split()]
    names += [f"{body} {view}" for body, view in product(BODY.split(), VIEW.split())]
    names += [f"{body} {state}" for body, state in product(BODY.split(), STATE.split())]
    names += [f"patient {number:04}" for number in range(200)]
    names += [f"series {number}" for number in range(100, 250)]
    names += [f"type {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    names += [f"grade {a}{b}" for a, b in product("IVX", "abcdef")]
    names += [f"{year}-{month:02}" for year in range(2000, 2025) for month in range(1, 13)]
    assert len(set(names)) >= count
    return list(dict.fromkeys(names))[:count]
