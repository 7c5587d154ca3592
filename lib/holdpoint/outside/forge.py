"""Files one issue over the API of a Forgejo or of GitHub, in a process of its own; first it looks whether it is there.

An issue is known by a mark in its body. It is looked for in the list of issues, page by page: a tracker's search runs
behind, and would miss what was filed a moment ago.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from holdpoint.outside.child import Answer, Began
from holdpoint.outside.reasons import meaning

if TYPE_CHECKING:
    import requests

PAGES = 50
"""So many pages are looked through at most."""
STRANGE = "the server's answer is not that of a tracker"
_URL = re.compile(r"https?://[!-~]{1,2000}")
_ERROR = 400
_MEANS = {
    401: "the token is not valid",
    403: "the token may not do this",
    404: "there is no such repository, or the token may not see it",
    410: "issues are turned off there",
    423: "the repository is archived",
}
_COLOUR = "8b949e"


class RefusedError(Exception):
    """The tracker's answer is no, in a sentence."""


def file_issue(job: Mapping[str, Any], begins: Began) -> Answer:
    """File the issue of `title` and `body`, which holds `mark`; or find the one that is there already."""
    try:
        import requests  # noqa: PLC0415 - comes with an extra
    except ImportError:
        return {"done": False, "why": "the package `requests` is not installed", "doubt": False}
    github = job["tracker"] == "github"
    with requests.Session() as session:
        session.trust_env = True
        session.headers.update(_headers(str(job["token"]), github=github))
        forge = _Forge(
            session, _api(str(job["url"]), github=github), str(job["repository"]), job["seconds"] + 1.0, github
        )
        posting = False
        try:
            if there := forge.marked(str(job["mark"]), str(job["since"])):
                return {"done": True, "url": there, "found": True, "lacking": []}
            labels = forge.labels(list(job["labels"]))
            milestone = forge.milestone(str(job["milestone"]))
            begins()
            posting = True
            issue = forge.post(str(job["title"]), str(job["body"]), labels, milestone)
            url = _address(issue)
        except RefusedError as error:
            return {"done": False, "why": str(error), "doubt": False}
        except (KeyError, TypeError, AttributeError, RecursionError, json.JSONDecodeError):
            return {"done": False, "why": STRANGE, "doubt": posting}
        except (requests.RequestException, ValueError) as error:
            return {"done": False, "why": meaning(str(error)), "doubt": posting}
        kept = {str(one.get("name")) for one in _things(issue.get("labels") or [])}
        lacking = [name for name in job["labels"] if name not in kept]
        return {"done": True, "url": url, "found": False, "lacking": lacking}


def _headers(token: str, *, github: bool) -> dict[str, str]:
    if github:
        return {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
    return {"Authorization": f"token {token}", "Accept": "application/json"}


def _api(url: str, *, github: bool) -> str:
    if not github:
        return f"{url}/api/v1"
    return "https://api.github.com" if urlsplit(url).hostname == "github.com" else f"{url}/api/v3"


@dataclass(frozen=True, slots=True)
class _Forge:
    session: requests.Session
    api: str
    repository: str
    timeout: float
    github: bool

    def marked(self, mark: str, since: str) -> str:
        """Find the address of the issue that holds a mark; empty where there is none. Only later ones than `since` count."""
        more = {"state": "all", "since": since, **({} if self.github else {"type": "issues"})}
        for issue in self._all("issues", more):
            if mark in str(issue.get("body") or "") and "pull_request" not in _given(issue):
                return _address(issue)
        return ""

    def labels(self, names: list[str]) -> list[Any]:
        """Give what an issue's `labels` are: names on GitHub, which makes those that lack; ids on a Forgejo."""
        if self.github or not names:
            return list(names)
        known = {str(one["name"]): one["id"] for one in self._all("labels", {})}
        if not known.keys() >= set(names):
            known = {str(one["name"]): one["id"] for one in self._shared_labels()} | known
        return [known[name] if name in known else self._label(name) for name in names]

    def _shared_labels(self) -> list[Any]:
        """Give those of the organisation; none where the repository belongs to a person."""
        try:
            return list(self._all(f"{self.api}/orgs/{quote(self.repository.partition('/')[0])}/labels", {}))
        except RefusedError:
            return []

    def _label(self, name: str) -> Any:
        """Make a label as GitHub would by itself."""
        return self._call("POST", "labels", json={"name": name, "color": f"#{_COLOUR}"})["id"]

    def milestone(self, wanted: str) -> Any:
        """Give the number of an open milestone: that of a title, or the `next` one due. None where none is wanted."""
        if not wanted:
            return None
        key = "number" if self.github else "id"
        every = list(self._all("milestones", {"state": "open"}))
        if wanted == "next":
            due = sorted((one for one in every if one.get("due_on")), key=lambda one: str(one["due_on"]))
            if not due:
                raise RefusedError("no open milestone has a due date, so which one is next is not known")
            return due[0][key]
        for one in every:
            if one["title"] == wanted:
                return one[key]
        titles = ", ".join(f"`{one['title']}`" for one in every) or "none"
        raise RefusedError(f"there is no open milestone `{wanted}`; open are: {titles}")

    def post(self, title: str, body: str, labels: list[Any], milestone: Any) -> Any:
        given = {
            "title": title,
            "body": body,
            "labels": labels,
            **({} if milestone is None else {"milestone": milestone}),
        }
        return self._call("POST", "issues", json=given)

    def _all(self, what: str, more: Mapping[str, str]) -> Iterator[Any]:
        """Give all of a list, page by page, until a page is empty: servers give fewer a page than one asks for."""
        for page in range(1, PAGES + 1):
            found = self._call("GET", what, params={**more, "page": str(page), "per_page": "100", "limit": "50"})
            if not found:
                return
            yield from _things(found)
        raise RefusedError(f"there are more than {PAGES} pages of {what}")

    def _call(self, method: str, what: str, **more: Any) -> Any:
        owner, _, name = self.repository.partition("/")
        url = what if "://" in what else f"{self.api}/repos/{quote(owner)}/{quote(name)}/{what}"
        answer = self.session.request(method, url, timeout=self.timeout, allow_redirects=False, **more)
        status = answer.status_code
        if status in {502, 504}:
            raise ValueError(f"the server answered {status}")
        if status >= _ERROR:
            texts = [text for text in (_MEANS.get(status), _told(answer)) if text]
            raise RefusedError(": ".join([f"the server answered {status}", *texts]))
        if status not in {200, 201}:
            to = answer.headers.get("Location", "")
            moved = f" to {to}" if to else ""
            raise RefusedError(
                f"the server answered {status}{moved}, where 200 or 201 was expected; see `url` and `repository`"
            )
        return answer.json()


def _things(found: Any) -> list[dict[str, Any]]:
    """A list of a tracker's things. Raises `TypeError` where it is none."""
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise TypeError(STRANGE)
    return found


def _address(issue: Mapping[str, Any]) -> str:
    """The address of an issue. Raises `TypeError` where it is none that a browser opens."""
    url = issue["html_url"]
    if not isinstance(url, str) or not _URL.fullmatch(url):
        raise TypeError(STRANGE)
    return url


def _given(issue: Mapping[str, Any]) -> set[str]:
    """The keys that have a value: a Forgejo gives `pull_request: null` for what is none."""
    return {key for key, value in issue.items() if value is not None}


def _told(answer: requests.Response) -> str:
    try:
        said = answer.json()
    except ValueError:
        return ""
    return str(said.get("message", "")) if isinstance(said, dict) else ""
