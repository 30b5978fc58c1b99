import pytest

from evals.quality_calibration import FAULTS, measure, rates, read_pairs


@pytest.mark.slow
def test_nine_faults_in_ten_are_caught_at_no_more_than_one_false_alarm_in_ten():
    pairs = read_pairs()
    assert len({pair.language for pair in pairs}) >= 5
    assert len(FAULTS) == 8
    caught, alarms = rates(measure(pairs)[0])
    assert caught >= 0.9
    assert alarms <= 0.1
