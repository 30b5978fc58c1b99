import pytest

from translations.quality import EXPLANATIONS, estimate

GOOD = [
    ("pt", "Não fechem a biblioteca!", "Don't close the library!"),
    (
        "pt",
        "O autocarro 163 só passa de hora a hora depois das 18h30.",
        "The 163 bus only comes every hour after 6:30 p.m.",
    ),
    (
        "es",
        "Necesitamos más luz en el parque, mi hija tiene miedo.",
        "We need more light in the park, my daughter is afraid.",
    ),
    (
        "fr",
        "Je voudrais apprendre l'anglais avec mes voisins.",
        "I would like to learn English with my neighbours.",
    ),
    ("ar", "لا يوجد مكان آمن للأطفال في حينا.", "There is no safe place for children in our neighbourhood."),
    (
        "pl",
        "Mieszkam tu od 12 lat i czuję się bezpiecznie.",
        "I have lived here for 12 years and I feel safe.",
    ),
    ("zh", "我们社区需要更多的公园。", "Our community needs more parks."),
    ("tr", "Parkta daha fazla ışık istiyoruz.", "We want more lights in the park."),
    ("bn", "আমাদের এলাকায় একটি খেলার মাঠ দরকার।", "We need a playground in our area."),
    ("pt", "A Rua Nova da Alegria está suja.", "Rua Nova da Alegria is dirty."),
    ("pt", "👍 12:30", "👍 12:30"),
]

FAULTY = [
    ("empty", "pt", "Não fechem a biblioteca!", "  "),
    ("untranslated", "pt", "Quero mais luz no parque da cidade", "Quero mais luz no parque da cidade"),
    ("untranslated", "pt", "Quero mais luz no parque da cidade", "I want mais luz no parque of the city"),
    ("repeated", "es", "Necesitamos más luz en el parque.", "We need more more more light in the park."),
    ("repeated", "es", "Necesitamos más luz.", "We need the light of the light of the light of the light."),
    (
        "too_short",
        "fr",
        "Je voudrais apprendre l'anglais avec mes voisins et amis du quartier.",
        "I would like.",
    ),
    (
        "too_long",
        "fr",
        "Je veux apprendre.",
        "I want to learn and then there is also the thing about the school and the mayor.",
    ),
    ("wrong_script", "ar", "لا يوجد مكان آمن.", "There is no مكان safe."),
    ("numbers_lost", "pl", "Mieszkam tu od 12 lat.", "I have lived here for 21 years."),
    ("numbers_lost", "pl", "Mieszkam tu od 12 lat.", "I have lived here for years."),
    ("negation_lost", "pt", "Não me sinto segura aqui.", "I feel safe here."),
    ("negation_lost", "pl", "Czuję się tu bezpiecznie.", "I do not feel safe here."),
    ("negation_lost", "zh", "我晚上不敢出门。", "I dare to go out at night."),
    ("negation_lost", "tr", "Gece dışarı çıkamıyorum.", "I can go out at night."),
    ("details_lost", "pt", "Escrevam para ana@cm.pt por favor", "Write to ana-cm.pt please"),
    ("meaning_far", "es", "Necesitamos más luz en el parque.", "The president ate fried chicken for dinner."),
]


@pytest.mark.parametrize(("language", "source", "translation"), GOOD)
def test_a_good_translation_raises_no_flag(language, source, translation):
    quality = estimate(source, translation, language)
    assert quality.flags == ()
    assert quality.score > 0.4


@pytest.mark.parametrize(("flag", "language", "source", "translation"), FAULTY)
def test_a_planted_fault_is_flagged_and_explained(flag, language, source, translation):
    quality = estimate(source, translation, language)
    assert flag in quality.flags
    assert quality.needs_person
    assert quality.score <= 0.4
    assert EXPLANATIONS[flag] in quality.explanations


def test_no_translation_at_all_scores_nothing():
    assert (estimate("olá", None).score, estimate("olá", None).flags) == (0.0, ("empty",))


def test_a_language_we_have_no_negations_for_raises_no_alarm():
    assert "negation_lost" not in estimate("Hyvää huomenta kaikille", "Not a good morning to all", "fi").flags
