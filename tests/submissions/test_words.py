"""Everything the audit can hold has words for whoever reads it."""

import ast
import re

from submissions.review import words
from submissions.settings import PROJECT_FOLDER

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")


def audited_actions() -> set[str]:
    """The actions named in a call of `audit.record`, as the source has them."""
    found = set()
    for package in ("submissions", "channels"):
        for path in (PROJECT_FOLDER / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
                    constants = [arg for arg in node.args if isinstance(arg, ast.Constant)]
                    found |= {str(one.value) for one in constants if ACTION.fullmatch(str(one.value))}
    return found


def test_every_audited_action_has_words():
    actions = audited_actions()
    assert len(actions) > 80
    assert sorted(action for action in actions if action not in words.ACTIONS) == []
