"""App Home is the inbox: what waits, filtered, paged, and worked on from there."""

from __future__ import annotations

import pytest

from tests.rig import Json, Office, Scene, plain

pytestmark = pytest.mark.asyncio(loop_scope="module")


def view(office: Office, who: str) -> Json:
    return office.ws.surfaces.homes.get(who, {"blocks": []})


def shown(office: Office, who: str) -> str:
    return plain(str(view(office, who)["blocks"]))


async def opened(office: Office, who: str, words: str) -> None:
    office.driver.open_home(who)
    await office.sees(lambda: words in shown(office, who))


async def test_home_lists_filters_pages_and_acts(shared: Scene) -> None:
    office = shared.office
    roots = [(await shared.talk(f"Question {number:02}", name=f"Customer {number:02}"))[1] for number in range(10)]
    await opened(office, office.dewi, "Question 09")
    assert "Question 01" not in shown(office, office.dewi)
    await office.press(office.dewi, "home", "Next")
    await office.sees(lambda: "Question 01" in shown(office, office.dewi))
    assert "Question 09" not in shown(office, office.dewi)
    first = office.card(roots[0]).split()[0]
    await office.press(office.dewi, "home", "Claim", value=f"claim {first}")
    await office.shows(roots[0], "Dewi")
    await office.press(office.dewi, "home", "Mine")
    await office.sees(
        lambda: "Question 00" in shown(office, office.dewi) and "Question 01" not in shown(office, office.dewi)
    )
    await office.press(office.dewi, "home", "Resolve", value=f"resolve {first}")
    await office.shows(roots[0], "Resolved")
    await office.sees(lambda: "Question 00" not in shown(office, office.dewi))
    await office.press(office.dewi, "home", "Resolved")
    await office.sees(lambda: "Question 00" in shown(office, office.dewi))
    await office.press(office.dewi, "home", "Reopen", value=f"reopen {first}")
    await office.shows(roots[0], "Open")
    await office.sees(lambda: "Question 00" not in shown(office, office.dewi))
    # The filters are remembered.
    office.driver.open_home(office.dewi)
    await office.settled()
    await office.press(office.dewi, "home", "Unassigned")
    await office.sees(lambda: "Unassigned · Resolved · 0" in shown(office, office.dewi))
    await office.press(office.dewi, "home", "Open")
    await office.sees(lambda: "Question 09" in shown(office, office.dewi))
    assert "Question 00" not in shown(office, office.dewi)


async def test_home_of_somebody_who_is_no_agent_is_closed(shared: Scene) -> None:
    office = shared.office
    await shared.talk("A secret question")
    for who in (office.gita, office.otto):
        await opened(office, who, "for the agents")
        assert "secret" not in shown(office, who)
