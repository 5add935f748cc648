import re
import tomllib

from base.settings import Settings
from tests.docs.pages import ROOT, pages, read, text_files

# Put together from pieces, so that this file does not name what it looks for.
_MACHINE = re.compile(
    r"(?<![\w.:/-])/(?:" + "|".join(("work", "root", "home/[a-z]+", "tmp/fl", "opt/(?:pypi|wheels)[a-z-]*")) + r")/"
)
_REGISTRY = re.compile(
    r"--(?:index-url|extra-index-url|trusted-host|find-links)\b[ =](?!https://download\.pytorch\.org/)"
)
_LOCAL_FILE = re.compile(r"(?<![\w])file:/{2,3}[\w.]")


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = {str(p.relative_to(ROOT)) for p in text_files() if _MACHINE.search(p.read_text("utf-8", "replace"))}
    assert found == set()


def test_no_file_names_a_package_registry_of_ones_own() -> None:
    found = {str(p.relative_to(ROOT)) for p in text_files() if _REGISTRY.search(p.read_text("utf-8", "replace"))}
    locks = (ROOT / "requirements").glob("*.txt")
    found |= {str(p.relative_to(ROOT)) for p in locks if _LOCAL_FILE.search(p.read_text("utf-8", "replace"))}
    assert found == set()


def test_the_changelog_has_the_version_of_the_package() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\]", read("CHANGELOG.md"), re.MULTILINE)


def test_every_setting_a_page_names_exists() -> None:
    known = {f"FIRSTLINE_{name.upper()}" for name in Settings.model_fields}
    for page in pages():
        named = set(re.findall(r"\bFIRSTLINE_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8")))
        assert named - known - {"FIRSTLINE_TEST_MODEL_CACHE"} == set(), page.name


def test_every_decision_a_comment_points_to_exists() -> None:
    known = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}
    for path in text_files():
        for number in re.findall(r"decisions/(\d{4})", path.read_text("utf-8", "replace")):
            assert number in known, f"{path.name}: decisions/{number}"


def test_both_readmes_name_every_folder_of_the_repository() -> None:
    folders = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} | {
        "docs",
        "requirements",
        "tools",
    }
    for name in ("README.md", "README.zh.md"):
        assert {folder for folder in folders if f"`{folder}/`" not in read(name)} == set()


def test_the_readmes_ask_for_the_system_packages_that_the_tests_install() -> None:
    packages = re.findall(r'^packages="([^"]+)"', read("tools/system-packages.sh"), re.MULTILINE)
    for name in ("README.md", "README.zh.md"):
        assert re.findall(r"apt-get install (.+)$", read(name), re.MULTILINE) == packages
