"""The main job, whole and real: a resident's own words, from a browser to the team's desk and back."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.people import REFERENCE, Resident, sign_in

PORTUGUESE = (
    "As aulas de inglês para mães são poucas e sempre cheias.",
    "O parque precisa de mais luz à noite.",
)
ARABIC = "نحتاج إلى مكان نلتقي فيه مع جيراننا، فكثير من كبار السن يعيشون وحدهم."
ENGLISH = "People of all faiths should eat together once a year in the square."


def test_a_portuguese_view_with_a_question_in_the_middle_reaches_the_desk(page: Page, system):
    ana = Resident(page, system, "pt")
    ana.choose("Português")
    ana.sees(ana.says("ask_consent"))
    ana.pick("option_agree")
    ana.sees(ana.says("ask_view"))
    ana.write(PORTUGUESE[0])
    ana.sees(ana.says("view_kept"))
    ana.write("isto é anónimo?")
    ana.sees("communitycohesion@westminster.gov.uk")
    ana.sees(ana.says("view_kept"), times=2)  # answered and brought back
    ana.write(PORTUGUESE[1])
    ana.sees(ana.says("view_kept"), times=3)
    ana.pick("option_finish")
    preview = page.locator(".theirs").filter(has_text=ana.says("label_translation"))
    expect(preview).to_contain_text("English lessons for mothers")
    expect(preview).to_contain_text(PORTUGUESE[0])
    expect(preview).not_to_contain_text("isto é anónimo")
    ana.pick("option_send")
    reference = ana.reference()
    assert REFERENCE.fullmatch(reference)

    sign_in(page, system)
    page.goto(f"{system.url}/desk/submissions/{reference}")
    expect(page.locator("body")).to_contain_text(PORTUGUESE[1])
    expect(page.locator("body")).to_contain_text("English lessons for mothers")
    expect(page.locator("body")).to_contain_text("Machine translation")


def test_an_arabic_view_is_right_to_left_and_a_person_will_translate_it(page: Page, system):
    layla = Resident(page, system, "ar")
    layla.choose("العربية")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    layla.pick("option_agree")
    layla.sees(layla.says("ask_view"))
    layla.write(ARABIC)
    layla.sees(layla.says("view_kept"))
    layla.pick("option_finish")
    layla.sees(layla.says("preview_person"))
    layla.pick("option_send")
    reference = layla.reference()

    sign_in(page, system)
    page.goto(f"{system.url}/desk/submissions/{reference}")
    original = page.locator("[lang=ar][dir=rtl]").filter(has_text="نحتاج إلى مكان")
    expect(original.first).to_be_visible()


def test_an_english_view_needs_no_translation(page: Page, system):
    sam = Resident(page, system, "en")
    reference = sam.sends_a_view("English", ENGLISH)
    sam.write("what happened to my view?")
    sam.sees(reference, times=2)


def test_a_somali_resident_is_told_that_a_person_will_translate(page: Page, system):
    hodan = Resident(page, system, "so")
    hodan.choose("Soomaali")
    hodan.pick("option_agree")
    hodan.sees(hodan.says("ask_view"))
    hodan.write("Waxaan rabnaa fasallo Ingiriisi ah oo hooyooyinka loogu talagalay.")
    hodan.sees(hodan.says("view_kept"))
    hodan.pick("option_finish")
    hodan.sees(hodan.says("preview_person"))
    hodan.pick("option_send")
    assert REFERENCE.fullmatch(hodan.reference())


def test_a_reviewer_corrects_the_english_changes_a_theme_and_approves(page: Page, system):
    reference = Resident(page, system, "pt").sends_a_view(
        "Português", "As escolas devem ensinar sobre todas as religiões."
    )
    sign_in(page, system)
    address = f"{system.url}/desk/submissions/{reference}"
    page.goto(address)
    page.get_by_text("Correct", exact=False).first.click()
    box = page.locator("textarea[name=text]").first
    box.fill("Schools should teach about all religions.")
    page.locator("input[name=reason], textarea[name=reason]").first.fill("smoother English")
    page.get_by_role("button", name="Save", exact=False).first.click()
    expect(page.locator("body")).to_contain_text("Corrected")
    expect(page.locator("body")).to_contain_text("Schools should teach about all religions.")
    page.goto(address)
    page.check("input[name='theme.identity_faith_values'][value=accepted]")
    page.get_by_role("button", name="Save themes").click()
    page.goto(address)
    expect(page.locator("input[name='theme.identity_faith_values'][value=accepted]")).to_be_checked()
    page.get_by_role("button", name="Approve", exact=False).first.click()
    expect(page.locator("body")).to_contain_text("Approved")


@pytest.mark.parametrize("autonym", ["Português", "العربية", "English"])
def test_a_view_that_contains_a_script_never_runs(page: Page, system, autonym: str):
    language = {"Português": "pt", "العربية": "ar", "English": "en"}[autonym]
    attack = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    reference = Resident(page, system, language).sends_a_view(autonym, attack)
    assert page.title() != "taken"
    sign_in(page, system)
    for path in ("/desk", f"/desk/submissions/{reference}"):
        page.goto(system.url + path)
        page.wait_for_timeout(300)
        assert page.title() != "taken"
    expect(page.locator("body")).to_contain_text("<script>")


def test_the_form_without_scripts_reaches_the_same_desk(browser, system):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 640})
    page = context.new_page()
    page.goto(f"{system.url}/form?lang=pt")
    page.fill("textarea", "Precisamos de mais bancos no parque para os mais velhos.")
    page.check("input[name=consent]")
    page.click("main .button")
    expect(page.locator("body")).to_contain_text("parque para os mais velhos", timeout=30_000)
    page.click("main .button")
    found = REFERENCE.search(page.inner_text("body"))
    assert found, page.inner_text("body")
    context.close()
    assert httpx.get(f"{system.url}/api/submissions").status_code == 401
