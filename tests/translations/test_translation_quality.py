from evals.translation_quality import read_rows, scores, translate
from translations.registry import open_registry


def test_a_fresh_install_translates_civic_portuguese_well_enough(tmp_path):
    rows = read_rows()
    chrf, _ = scores(translate(open_registry(tmp_path), rows), rows)
    assert len(rows) == 40
    assert chrf >= 70
