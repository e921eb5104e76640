"""The shapes of request bodies; what a value may be is for the flows, which know the catalogue."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

# Longer than any name, number or code that the flows take, so that their own sentences answer first.
TEXT_MAX_CHARS = 1000
# Far above the flows' own limits on results, materials and holders.
ENTRIES_MAX = 200
# A statement may be a page; the flow's own limit answers first.
DISPUTE_MAX_CHARS = 10_000

Text = Annotated[str, Field(max_length=TEXT_MAX_CHARS)]
Day = Annotated[str, Field(max_length=TEXT_MAX_CHARS, json_schema_extra={"format": "date"})]
Moment = Annotated[str, Field(max_length=TEXT_MAX_CHARS, json_schema_extra={"format": "date-time"})]
Sha256 = Annotated[str, Field(max_length=TEXT_MAX_CHARS, description="SHA-256 of the file, in hex.")]


class Shape(BaseModel):
    """A body or part of one: unknown fields are refused, values are never converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class HolderCodeIn(Shape):
    """Whose: the kind of code and the code itself."""

    code_type: Text = Field(
        description="Code type (GB/T 36903, annex A): `111` citizen ID, `001` social credit code, …",
        examples=["001"],
    )
    code: Text = Field(description="The code, check digits included.", examples=["91350100M000100Y43"])


class HolderIn(HolderCodeIn):
    """A holder or applicant (持证主体) with the name as on the document."""

    name: Text = Field(examples=["样例水务集团有限公司"])


class CaseIn(Shape):
    """The completed case (办件)."""

    number: Text = Field(
        description="Case number; unique for the approval system.", examples=["SL-2026-000118"]
    )
    service_item: Text = Field(description="Service item code (事项编码).", examples=["990100000131002"])
    completed_at: Moment = Field(examples=["2026-10-26T08:00:00Z"])
    applicant: HolderIn


class HandedInIn(Shape):
    """A file uploaded before with `PUT /v1/uploads/{sha256}`."""

    sha256: Sha256


class ResultIn(Shape):
    """One result of the case: a certificate (证照) or approval document (批文) to be sealed."""

    type: Text = Field(description="Certificate type code; `GET /v1/catalogue/types` lists them.")
    issuing_authority: Text | None = Field(
        default=None,
        description="Social credit code of the issuing authority (颁发机构); needed only where the client "
        "acts for several that may issue this type.",
    )
    number: Text = Field(description="Certificate number (证照编号).", examples=["样许字〔2026〕118号"])
    holders: list[HolderIn] = Field(max_length=ENTRIES_MAX)
    issued_on: Day = Field(examples=["2026-10-26"])
    valid_from: Day | None = Field(
        default=None, description="First day of validity; the day of issue if left out."
    )
    valid_to: Day | None = Field(default=None, description="Last day of validity; null where there is none.")
    fields: dict[str, Any] = Field(description="Face fields (照面), as the type's JSON Schema says.")
    document: HandedInIn | None = Field(
        default=None,
        description="null: typeset from the type's template; else: seal this file as it is, in its own "
        "format.",
    )
    formats: list[Text] | None = Field(
        default=None,
        max_length=ENTRIES_MAX,
        description="Formats to make; the first of the type's if left out.",
    )
    supersedes: Text | None = Field(
        default=None, description="`certificate_id` of the certificate that this one replaces."
    )


class MaterialIn(Shape):
    """A material (材料) that came with the case and is kept for later reuse."""

    type: Text = Field(
        description="Material code; `GET /v1/catalogue/materials` lists them, `CL9999` is for what has none.",
        examples=["CL0016"],
    )
    name: Text = Field(examples=["预售资金监管协议"])
    sha256: Sha256
    trust: Text = Field(
        description="A made by an authority, B checked at a window, C uploaded, D promised.", examples=["B"]
    )
    holders: list[HolderIn] = Field(max_length=ENTRIES_MAX)
    issued_on: Day | None = Field(
        default=None, description="The date that it bears; without it its age cannot be told."
    )
    valid_to: Day | None = None


_EXAMPLE_HOLDER = {"code_type": "001", "code": "91350100M000100Y43", "name": "样例水务集团有限公司"}
_EXAMPLE_DEPOSIT: dict[str, Any] = {
    "case": {
        "number": "SL-2026-000118",
        "service_item": "990100000131002",
        "completed_at": "2026-10-26T08:00:00Z",
        "applicant": _EXAMPLE_HOLDER,
    },
    "results": [
        {
            "type": "… from GET /v1/catalogue/types; its `example` is a whole result …",
            "number": "样许字〔2026〕118号",
            "holders": [_EXAMPLE_HOLDER],
            "issued_on": "2026-10-26",
            "valid_from": "2026-10-26",
            "valid_to": "2031-10-25",
            "fields": {},
            "document": None,
            "formats": ["pdf"],
            "supersedes": None,
        }
    ],
    "materials": [],
}


class DepositIn(Shape):
    """A completed case with everything that it brought: all of it is kept, or nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [_EXAMPLE_DEPOSIT]})

    case: CaseIn
    results: list[ResultIn] = Field(max_length=ENTRIES_MAX)
    materials: list[MaterialIn] | None = Field(default=None, max_length=ENTRIES_MAX)


class HoldingsIn(Shape):
    """Whose certificates, and what for: the question itself is recorded."""

    holder: HolderCodeIn
    purpose: Annotated[str, Field(min_length=1, max_length=TEXT_MAX_CHARS)] = Field(
        description="Why you ask; the holder can read it.", examples=["办理取水许可延续"]
    )
    service_item: Text | None = None
    case_number: Text | None = None


class RoledHolderIn(HolderCodeIn):
    """Somebody of the case, and what they are in it."""

    role: Text | None = Field(
        default=None,
        description="`applicant` (if left out), `legal_representative`, `agent` or `co_owner`.",
        examples=["applicant"],
    )


class ReuseCheckIn(Shape):
    """One service item and the people of one case: what of it has nobody to hand in again?"""

    service_item: Text = Field(
        description="Service item code (事项编码); `GET /v1/catalogue/service-items` lists them.",
        examples=["990100000117002"],
    )
    holders: list[RoledHolderIn] = Field(max_length=ENTRIES_MAX)
    case_number: Text | None = Field(
        default=None,
        description="The case for which you ask; recorded, and counted once for the statistics.",
        examples=["SL-2026-000119"],
    )
    needed_until: Day | None = Field(
        default=None, description="Expected day of the decision; today if left out.", examples=["2026-12-20"]
    )


class MaterialVerificationIn(Shape):
    """A clerk compared a material with its original."""

    clerk: Text | None = Field(
        default=None,
        description="Who did: name or staff number; if left out, whom the header `Acting-For` names.",
        examples=["文样窗"],
    )
    note: Text = Field(default="", examples=["与原件一致"])


class LookupIn(Shape):
    """Certificates by their number."""

    number: Annotated[str, Field(min_length=1, max_length=TEXT_MAX_CHARS)]
    purpose: Text = Field(default="", description="Why you ask; recorded.")


class StatusChangeIn(Shape):
    """A decision of the issuing authority about a certificate."""

    action: Literal["suspend", "resume", "cancel", "withdraw", "revoke", "abolish"] = Field(
        description="暂扣, 暂扣发还, 注销, 撤销, 吊销, 签发错误."
    )
    reason: Text = Field(
        description="Public text of at most 500 characters, shown to whoever verifies: no names, and no 15 "
        "digits in a row.",
        examples=["持证人申请注销"],
    )
    effective_on: Day = Field(
        description="The day from which it holds: today or earlier, and not before the change before it.",
        examples=["2026-11-20"],
    )


class InspectionIn(Shape):
    """An annual inspection (年检) of a certificate."""

    result: Literal["passed", "failed"]
    inspected_on: Day = Field(examples=["2026-11-20"])
    remark: Text | None = Field(default=None, description="Public text, as the reason of a change is.")


class WebhookIn(Shape):
    """Where changes are to be sent."""

    url: str = Field(
        description="An https address, without user information and fragment.",
        examples=["https://receiver.example/certvault"],
    )


class TokenQuestion(Shape):
    """Verification by the token in the QR code."""

    token: str = Field(description="What follows `#t=` in the QR code's address.")


class CodeQuestion(Shape):
    """Verification by what is printed on the certificate."""

    number: str = Field(description="Certificate number, as printed.")
    code: str = Field(description="Verification code of ten characters, as printed.")


class UseIn(Shape):
    """Who uses what for which case. One of `certificate_id` and `material_id`."""

    certificate_id: Text | None = None
    material_id: Text | None = None
    case_number: Text = Field(examples=["SL-2026-000119"])
    service_item: Text | None = Field(
        default=None,
        description="Service item code (事项编码); `GET /v1/catalogue/service-items` lists them. Only an "
        "organisation that asks by consent may leave it out.",
        examples=["990100000117002"],
    )
    purpose: Text = Field(
        description="What for, in at most 60 characters: recorded, shown to the holder, printed on the copy.",
        examples=["办理商品房预售许可"],
    )
    organisation: Text | None = Field(
        default=None,
        description="Who uses it, printed on the copy; the approval system's own name if left out.",
        examples=["样例市住房和城乡建设局"],
    )
    clerk: Text | None = Field(
        default=None, description="In whose hands: a name or staff number; recorded.", examples=["文样窗"]
    )
    copy_: bool = Field(default=False, alias="copy", description="Whether a usage copy (加注件) is wanted.")


class DisputeIn(Shape):
    """What a holder disputes. One of `certificate_id` and `access_id`."""

    certificate_id: Text | None = None
    access_id: Text | None = Field(default=None, description="As `GET /v1/me/accesses` gives it.")
    kind: Literal["wrong_data", "not_mine", "wrong_status", "unlawful_access", "other"]
    statement: str = Field(
        max_length=DISPUTE_MAX_CHARS,
        description="What is wrong, in the holder's words: for the body that decides.",
        examples=["住所已于 2026 年 3 月变更，证照上仍是旧址。"],
    )


class DecisionIn(Shape):
    """What the body responsible decides about a dispute."""

    decision: Literal["accept", "reject", "resolve"]
    reason: Text | None = Field(default=None, description="For the holder; needed to reject and to resolve.")
    outcome: Literal["upheld", "not_upheld"] | None = Field(default=None, description="With resolve.")


class RedemptionIn(Shape):
    """A use code (用证码) that was shown."""

    code: Text = Field(examples=["q0Zc3vT1QmWm2mQyJ0r5aA"])


_Fields = Annotated[list[Text], Field(max_length=ENTRIES_MAX)]
_Types = Annotated[
    list[Text],
    Field(
        max_length=ENTRIES_MAX, description="Certificate type codes; `GET /v1/catalogue/types` lists them."
    ),
]


class ConsentIn(Shape):
    """What an organisation may see of mine. One of `service_item` and `purpose` at least."""

    organisation: Text = Field(description="Its social credit code.", examples=["91350100M000100Y43"])
    types: _Types
    fields: _Fields | None = Field(
        default=None,
        description="What of the face may be seen: `number`, `holders`, keys of its fields; null: all of it.",
        examples=[["number", "holders"]],
    )
    service_item: Text | None = Field(
        default=None, description="The service item (事项编码) that it must be asked for."
    )
    purpose: Text | None = Field(
        default=None,
        description="What for, in at most 60 characters; the organisation must ask in the same words.",
        examples=["办理住房贷款"],
    )
    valid_from: Day | None = Field(default=None, description="First day, in China; today if left out.")
    valid_to: Day = Field(description="Last day.", examples=["2026-12-31"])
    uses: int = Field(description="How many questions it may ask.", examples=[3])


class DelegationIn(Shape):
    """What another person may do with what is mine."""

    delegate: HolderCodeIn
    types: _Types
    actions: Annotated[list[Text], Field(max_length=ENTRIES_MAX)] = Field(
        description="`download`, `present` or both.", examples=[["download"]]
    )
    valid_from: Day | None = Field(default=None, description="First day, in China; today if left out.")
    valid_to: Day = Field(description="Last day.", examples=["2026-12-31"])


class PresentationIn(Shape):
    """What is to be shown."""

    certificate_id: Text
    fields: _Fields | None = Field(
        default=None,
        description="What of the face is shown: `number`, `holders`, keys of its fields; null: all of it.",
        examples=[["number", "holders"]],
    )
    on_behalf_of: Text | None = Field(
        default=None, description="The delegation under which I present what is another's."
    )


class PresentedCodeIn(Shape):
    """The code that somebody shows: what follows `#p=` in the QR code's address."""

    code: Text = Field(examples=["q0Zc3vT1QmWm2mQyJ0r5aA"])


class SealGrantIn(Shape):
    """Who may have what sealed with which seal, and how often a day (用印授权)."""

    seal_id: Text = Field(examples=["11990100MB9900101F-3fa29c01"])
    type: Text = Field(description="Certificate type code; the grant is for one version of it.")
    type_version: int = Field(examples=[1])
    client_id: Text = Field(description="The approval system.", examples=["yangli-approvals"])
    daily_cap: int = Field(description="Results a day; the day is Asia/Shanghai's.", examples=[500])
    valid_from: Moment = Field(examples=["2026-11-23T00:00:00+08:00"])
    valid_to: Moment = Field(examples=["2027-11-23T00:00:00+08:00"])


class ReasonIn(Shape):
    """Why."""

    reason: Text = Field(examples=["密钥疑似泄露"])


class ManifestIn(HandedInIn):
    """A register, uploaded before as CSV, JSON lines or XLSX."""

    name: Text = Field(
        description="Its end says what it is: .csv, .jsonl or .xlsx. The rest is not kept.",
        examples=["食品经营许可证登记.csv"],
    )


class ImportIn(Shape):
    """A register's stock to be imported (存量导入)."""

    manifest: ManifestIn
    mapping: dict[Text, Any] = Field(
        description="Which of the register's columns is which field: docs/import.md.",
        examples=[{"columns": {"许可证编号": "number"}, "constants": {"type": "11100000MB0000000X001"}}],
    )
    files: HandedInIn | None = Field(
        default=None, description="A zip; null: the manifest names files by the SHA-256 of their uploads."
    )
    dry_run: bool = Field(default=False, description="Look at every row, and store nothing.")
