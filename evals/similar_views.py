"""Where views count as saying the same: `python -m evals.similar_views`.

Two letters of a campaign in nine languages, against held-out views that were not written to say the same:
how many pairs of the letters are found, and how many views are wrongly joined, at each threshold. Then the
same by their English, with six letters in ten languages and six rivals.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from typing import Any

import numpy as np

from evals.themes import FOLDER, read_views
from submissions.similar_views import SAME_IN_ENGLISH_FROM, is_same_in_english
from translations.embeddings import embed

LETTERS_FOLDER = FOLDER / "similar_letters"
# By language: the same letter.
LETTERS: tuple[dict[str, str], ...] = (
    {
        "en": "The library is the only place where neighbours meet. Please do not close it.",
        "es": "La biblioteca es el único lugar donde se encuentran los vecinos. Por favor, no la cierren.",
        "ar": "المكتبة هي المكان الوحيد الذي يلتقي فيه الجيران. من فضلكم لا تغلقوها.",
        "pt": "A biblioteca é o único lugar onde os vizinhos se encontram. Por favor, não a fechem.",
        "fr": "La bibliothèque est le seul endroit où les voisins se rencontrent. Ne la fermez pas, s'il vous plaît.",  # noqa: E501
        "pl": "Biblioteka to jedyne miejsce, gdzie spotykają się sąsiedzi. Proszę jej nie zamykać.",
        "bn": "লাইব্রেরিই একমাত্র জায়গা যেখানে প্রতিবেশীরা দেখা করে। দয়া করে এটা বন্ধ করবেন না।",
        "zh": "图书馆是邻居们唯一见面的地方，请不要关闭它。",
        "so": "Maktabaddu waa meesha keliya ee deriska ku kulmaan. Fadlan ha xirina.",
    },
    {
        "en": "My daughter is afraid to walk home at night because of the gangs. We need more police on our street.",  # noqa: E501
        "es": "Mi hija tiene miedo de volver a casa de noche por las bandas. Necesitamos más policía en nuestra calle.",  # noqa: E501
        "ar": "ابنتي تخاف أن تمشي إلى البيت ليلا بسبب العصابات. نحتاج إلى مزيد من الشرطة في شارعنا.",
        "pt": "A minha filha tem medo de voltar para casa à noite por causa dos gangues. Precisamos de mais polícia na nossa rua.",  # noqa: E501
        "fr": "Ma fille a peur de rentrer le soir à cause des gangs. Il nous faut plus de police dans notre rue.",  # noqa: E501
        "pl": "Moja córka boi się wracać do domu nocą z powodu gangów. Potrzebujemy więcej policji na naszej ulicy.",  # noqa: E501
        "bn": "আমার মেয়ে গ্যাংয়ের কারণে রাতে হেঁটে বাড়ি ফিরতে ভয় পায়। আমাদের রাস্তায় আরও পুলিশ দরকার।",
        "zh": "我女儿因为帮派晚上不敢走路回家，我们街上需要更多警察。",
        "so": "Gabadhaydu way ka baqdaa inay habeenkii guriga u lugayso gaangisyada awgood. Boolis badan ayaan u baahannahay.",  # noqa: E501
    },
)
# The letter with a greeting, a name or a word more, as people send it.
CHANGES = ("{} Thank you!", "Dear council, {}", "{} Ana, Pimlico")


def compare_in_english() -> None:
    """Prints how many pairs of a letter and its translations are joined by their English, and how many pairs
    that only share a subject: evals/similar_letters, whose English is that of the engine named beside it.
    """
    lines = (LETTERS_FOLDER / "letters.jsonl").read_text(encoding="utf-8").splitlines()
    letters = [json.loads(line) for line in lines]
    views = [view["text"] for view in read_views() if view["lang"] == "en"]
    english = [letter.get("english", letter["text"]) for letter in letters] + views
    alike = embed(english) @ embed(english).T
    found: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for first, second in itertools.combinations(range(len(english)), 2):
        kind = kind_of_pair(letters, first, second)
        similarity = float(alike[first, second])
        joined = is_same_in_english(similarity, english[first], english[second])
        found[kind].append((similarity >= SAME_IN_ENGLISH_FROM, joined))
    print("\n| pairs of | number | joined by meaning | and by words |")
    print("| --- | --- | --- | --- |")
    for kind, pairs in sorted(found.items()):
        by_meaning, joined = np.mean(np.array(pairs), axis=0)
        print(f"| {kind} | {len(pairs)} | {by_meaning:.1%} | {joined:.1%} |")


def kind_of_pair(letters: list[dict[str, Any]], first: int, second: int) -> str:
    """What two texts have to do with each other; a rival asks for something else in the letter's words."""
    if max(first, second) >= len(letters):
        return "different views"
    one, other = letters[first], letters[second]
    if one["letter"] != other["letter"]:
        return "different views"
    if "rival" in one or "rival" in other:
        return "a letter and its rival"
    engines = {letter.get("by", "").split()[0] for letter in (one, other) if letter.get("by")}
    return "one letter, " + ("small Argos packages" if "argos" in engines else "good translations")


def main() -> None:
    views = read_views()
    languages = np.array([view["lang"] for view in views])
    vectors = embed([view["text"] for view in views])
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, 0)
    is_same = languages[:, None] == languages[None, :]
    nearest_same, nearest_other = (alike * is_same).max(axis=1), (alike * ~is_same).max(axis=1)
    copies, translations = [], []
    for letter in LETTERS:
        texts = list(letter.values())
        of_letter = embed(texts)
        translations += list((of_letter @ of_letter.T)[np.triu_indices(len(texts), 1)])
        for change in CHANGES:
            changed = embed([change.format(text) for text in texts])
            copies += list((changed * of_letter).sum(axis=1))
    print("| threshold | copies found | views wrongly joined | translations found | wrongly joined |")
    print("| --- | --- | --- | --- | --- |")
    for threshold in (0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97):
        shares = [
            np.mean(np.array(n) >= threshold) for n in (copies, nearest_same, translations, nearest_other)
        ]
        print(f"| {threshold:.2f} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")
    compare_in_english()


if __name__ == "__main__":
    main()
