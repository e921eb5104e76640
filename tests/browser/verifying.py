"""What the tests of verification have in common."""

from playwright.sync_api import FilePayload, Page, expect

from tests.browser.looking import DESKTOP, PHONE, Look

# In each language and at each width once.
TWO = (Look("zh", PHONE, "dark"), Look("en", DESKTOP, "light"))
GENUINE = {"zh": "真实，目前有效", "en": "Genuine and in force"}


def pdf(content: bytes) -> FilePayload:
    """A file to choose."""
    return {"name": "licence.pdf", "mimeType": "application/pdf", "buffer": content}


def picture(content: bytes) -> FilePayload:
    """A picture to choose."""
    return {"name": "photo.png", "mimeType": "image/png", "buffer": content}


def choose(page: Page, file: FilePayload) -> None:
    """Chooses a file."""
    page.locator("input[type=file]").set_input_files(file)


def verdict(page: Page, text: str) -> None:
    """What the page says in its head."""
    expect(page.locator("h1:visible")).to_have_text(text)
