"""O3 and O4 for one signature: whether it covers all that a reader may come to, and what is left free."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from signing.judge.findings import SubIndication, failure
from signing.ofd_judge.declared import Declared, Listed
from signing.ofd_judge.names import shown
from signing.ofd_judge.reach import Reached
from signing.ofd_judge.structure import ENTRANCE, Entrance

NAMED_MAX = 8  # files that a sentence names


@dataclass(frozen=True, slots=True)
class Free:
    """What one signature leaves free, by name.

    `content`: what a reader may come to; `others`: what nothing leads to; `private`: such in a signature's
    folder, where makers keep things of their own; `later`: files of other signatures that it does not cover,
    which came later; `closes`: it covers Signatures.xml, so that nobody may sign after it.
    """

    content: tuple[str, ...] = field(repr=False)
    others: tuple[str, ...] = field(repr=False)
    private: tuple[str, ...] = field(repr=False)
    later: frozenset[str] = field(repr=False)
    closes: bool


def check_entrance_covered(entrance: Entrance, listed: Listed) -> None:
    """O3: DocRoot, Versions and Signatures are what they were when it was signed.

    Raises:
        SignatureError: SIG_CONSTRAINTS_FAILURE: OFD.xml, or what its locations name, is not covered: whoever
            points DocRoot elsewhere shows another document, and every digest still fits.
    """
    covered = listed.covered()
    if ENTRANCE not in covered:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            "OFD.xml is not covered by the signature: it may have come to name another document since.",
        )
    for body in entrance.bodies:
        for path in (body.document, body.versions):
            if path is not None and path not in covered:
                raise failure(
                    SubIndication.SIG_CONSTRAINTS_FAILURE, f"{shown(path)} is not covered by the signature."
                )


def left_free(
    files: Iterable[str],
    reached: Reached,
    signatures: str | None,
    all_declared: Sequence[Declared],
    of: Declared,
) -> Free:
    """What a signature leaves free of all files in the package; OFD.xml is O3's.

    1. its own two files and its seal, and Signatures.xml, it need not cover; 2. what a reader may come to as
    a part of the document is content, whatever else claims it; 3. then what other signatures brought.
    """
    covered = of.listed.covered() if of.listed is not None else frozenset[str]()
    need_not = of.files() | ({signatures} if signatures is not None else set()) | {ENTRANCE}
    content = {name for name in reached.files if name != ENTRANCE and name not in of.own_files()}  # 2
    brought = {name for each in all_declared if each is not of for name in each.files()}
    folders = tuple(folder for each in all_declared if (folder := each.folder()))
    found: dict[str, list[str]] = {"content": [], "others": [], "private": []}
    later: set[str] = set()
    for name in sorted(set(files) - covered):
        if name in content and name != signatures:
            found["content"].append(name)
        elif name in need_not:  # 1
            continue
        elif name in brought:  # 3
            later.add(name)
        elif name.startswith(folders) and folders:
            found["private"].append(name)
        else:
            found["others"].append(name)
    return Free(
        tuple(found["content"]),
        tuple(found["others"]),
        tuple(found["private"]),
        frozenset(later),
        closes=signatures is not None and signatures in covered,
    )


def check_coverage(free: Free, reached: Reached, *, ours: bool) -> str:
    """O4: nothing is left free but what has to be; a sentence on what is.

    `ours`: a seal of the vault's own, which covers every file that it finds. Other makers leave templates,
    fonts and resources free: that is no proof of tampering, and nothing can be proven then.

    Raises:
        SignatureError: FORMAT_FAILURE for what was added to a closed file of ours, SIG_CONSTRAINTS_FAILURE
            for what is left undecided.
    """
    uncovered = (*free.content, *free.others, *(free.private if ours else ()))
    if uncovered:
        added = ours and free.closes
        raise failure(
            SubIndication.FORMAT_FAILURE if added else SubIndication.SIG_CONSTRAINTS_FAILURE,
            f"Partial coverage: the signature does not cover {_named(uncovered, reached)}.",
        )
    said = "It covers every file that can be reached"
    said += ", and closes the list of signatures." if free.closes else "; further signatures may be added."
    if free.later:
        said += " A later signature brought files of its own."
    return said + (
        f" Its maker keeps files beside it: {_named(free.private, reached)}." if free.private else ""
    )


def _named(names: Sequence[str], reached: Reached) -> str:
    told = (f"{reached.files.get(name, 'nothing leads there')}: {shown(name)}" for name in names[:NAMED_MAX])
    more = len(names) - NAMED_MAX
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")
