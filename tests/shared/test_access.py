from __future__ import annotations

from itertools import product
from uuid import uuid4

import pytest

from shared.model import Role
from shared.rules.access import may_decide, may_open

ME, COLLEAGUE = uuid4(), uuid4()
OPENS = {  # role, whose household, protected
    (Role.SUPERVISOR, ME, False),
    (Role.SUPERVISOR, ME, True),
    (Role.SUPERVISOR, COLLEAGUE, False),
    (Role.SUPERVISOR, COLLEAGUE, True),
    (Role.CASEWORKER, ME, False),
    (Role.CASEWORKER, ME, True),
    (Role.CASEWORKER, COLLEAGUE, False),
}


@pytest.mark.parametrize(("role", "caseworker", "protected"), list(product(Role, (ME, COLLEAGUE), (False, True))))
def test_a_households_papers_open_to_just_these(role: Role, caseworker: object, protected: bool) -> None:
    opens = may_open(role, ME, caseworker_id=ME if caseworker is ME else COLLEAGUE, protected=protected)
    assert opens == ((role, caseworker, protected) in OPENS)


def test_caseworkers_and_supervisors_decide_and_nobody_else() -> None:
    assert {role for role in Role if may_decide(role)} == {Role.CASEWORKER, Role.SUPERVISOR}
