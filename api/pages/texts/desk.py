"""The clerk's desk."""

from collections.abc import Mapping

DESK: Mapping[str, tuple[str, str]] = {
    "desk.title": ("窗口", "The desk"),
    "desk.heading": ("窗口工作台", "The desk"),
    "desk.footer": (
        "每次查询、查看版面和用证都会记录，持证人可以看到。清单保留到当天结束。",
        "Checks, pages looked at and uses are recorded for the holder. The list lasts until midnight.",
    ),
    "desk.slips": ("请改正以下 {count} 处", "Please mend these: {count}"),
    "desk.slips.title": ("需要改正", "To mend"),
    # --- the queue
    "desk.queue": ("今日办件", "Today's cases"),
    "desk.queue.tally": (
        "待办 {open}，已办 {done}，跳过 {skipped}",
        "{open} open, {done} done, {skipped} skipped",
    ),
    "desk.queue.empty": (
        "还没有办件。可以直接填右侧表单，或把今天的办件编号一次粘贴进来。",
        "No case yet. Fill in the form, or paste today's case numbers here.",
    ),
    "desk.queue.paste": ("粘贴办件编号", "Paste case numbers"),
    "desk.queue.paste.hint": (
        "每行一个；也可以从表格里复制一列。",
        "One a line, or a column copied from a spreadsheet.",
    ),
    "desk.queue.add": ("加入清单", "Add to the list"),
    "desk.queue.next": ("下一件", "Next"),
    "desk.queue.previous": ("上一件", "Previous"),
    "desk.queue.another": ("新办件", "New case"),
    "desk.state.open": ("待办", "open"),
    "desk.state.done": ("已办", "done"),
    "desk.state.skipped": ("跳过", "skipped"),
    "desk.at_hand": ("正在办理", "at hand"),
    # --- the case
    "desk.case": ("办件", "The case"),
    "desk.case.edit": ("修改办件信息", "Change the case"),
    "desk.case.number": ("办件编号", "Case number"),
    "desk.case.item": ("事项", "Service item"),
    "desk.case.item.hint": ("输入名称中的几个字或事项编码", "Part of its name, or its code"),
    "desk.case.applicant": ("申请人证件号码", "Applicant's number"),
    "desk.case.applicant.hint": (
        "手输、读身份证，或扫证照上的二维码",
        "Type it, read the card, or scan a certificate's QR code",
    ),
    "desk.case.more": ("其他人员、用途、办结日期", "Other people, purpose, day of decision"),
    "desk.case.code_type": ("申请人证件类型", "Kind of the applicant's number"),
    "desk.case.code_type.automatic": (
        "自动识别（身份证、统一社会信用代码）",
        "From the number itself (identity or social credit code)",
    ),
    "desk.case.purpose": ("用途", "Purpose"),
    "desk.case.purpose.hint": (
        "持证人可以看到，并印在加注件上；不填则为“办理”加事项名称。",
        "The holder reads it, and it is printed on usage copies. Left empty: the item's name.",
    ),
    "desk.case.needed_until": ("预计办结日期", "Expected day of decision"),
    "desk.case.needed_until.hint": (
        "证照须在这一天仍然有效；不填为今天。",
        "Certificates must last until then. Left empty: today.",
    ),
    "desk.case.check": ("核对材料", "Check"),
    "desk.case.done": ("办完", "Done"),
    "desk.case.skip": ("跳过", "Skip"),
    "desk.case.remove": ("移出清单", "Take off the list"),
    "desk.role.applicant": ("申请人", "Applicant"),
    "desk.role.legal_representative": ("法定代表人", "Legal representative"),
    "desk.role.agent": ("代理人", "Agent"),
    "desk.role.co_owner": ("共有人", "Co-owner"),
    "desk.role.co_owner.hint": ("每行一个", "One a line"),
    # --- what is held
    "desk.held": ("需要的材料", "What is required"),
    "desk.held.first": (
        "填好上面三项，按回车，这里会列出每份材料库里有没有。",
        "Fill in the three fields and press Enter: here you see what the vault holds.",
    ),
    "desk.held.counts": (
        "共 {total} 份：可用 {held}，不可用 {held_not_usable}，办理中 {pending}，没有 {not_held}",
        "{total} in all: {held} held, {held_not_usable} not usable, {pending} pending, {not_held} not held",
    ),
    "desk.held.none": (
        "这个事项不需要提交材料。",
        "This item asks for nothing.",
    ),
    "desk.held.asked_at": ("查于 {moment}", "as of {moment}"),
    "desk.line.held": ("可用", "Held"),
    "desk.line.held_not_usable": ("不可用", "Not usable"),
    "desk.line.pending": ("办理中，办结后入库", "In process, held once decided"),
    "desk.line.not_held": ("没有", "Not held"),
    "desk.thing.whose": ("第 {n} 位", "No. {n}"),
    "desk.thing.level": ("{level} 级", "level {level}"),
    "desk.thing.page": ("版面", "Its page"),
    "desk.thing.page.of": ("《{name}》第一页的版面", "The first page of {name}"),
    "desk.thing.page.none": (
        "这份文件没有可以显示的 PDF 版面。",
        "It has no PDF whose page could be shown.",
    ),
    "desk.thing.page.choose": (
        "点选左边的一份材料，或按 P，这里显示它的版面，用来和柜台上的纸质件对照。",
        "Choose a line on the left, or press P: its page appears here, to compare with the paper.",
    ),
    "desk.use": ("用证并生成加注件", "Use, with a copy"),
    "desk.use.plain": ("只登记用证", "Use, no copy"),
    "desk.used": ("已用证", "Used"),
    "desk.used.at": ("{moment}，{purpose}", "at {moment}: {purpose}"),
    "desk.used.until": ("有效期至 {day}", "good until {day}"),
    "desk.used.copy": ("打开加注件", "Open the copy"),
    "desk.used.code": ("用证码", "Use code"),
    "desk.used.code.words": (
        "交给接收系统，{moment} 前有效，只能用一次。离开本页后不再显示。",
        "For the receiving system, once, until {moment}. It is shown on this page only.",
    ),
    "desk.used.back": ("撤回", "Take back"),
    "desk.used.ended": ("已撤回或到期的用证：{count}", "Uses taken back or run out: {count}"),
    "desk.compare": ("与原件核对无误", "It agrees with the original"),
    "desk.compare.hint": (
        "请先看清原件。登记后可信等级由 C 变为 B，记在您名下。",
        "Look at the original first. Level C becomes B, in your name.",
    ),
    # --- paper
    "desk.paper": ("收存纸质原件的扫描件", "Archive a paper original"),
    "desk.paper.lead": (
        "库里没有、但申请人带来了原件：核对后扫描成 PDF 收存，以后不必再交。",
        "Not held, but the original is on the counter: compare it, scan it, and nobody hands it in again.",
    ),
    "desk.paper.kind": ("材料", "Material"),
    "desk.paper.choose": ("请选择", "Choose"),
    "desk.paper.holder": ("属于", "Whose"),
    "desk.paper.holder_name": ("姓名或名称", "Name"),
    "desk.paper.holder_name.hint": ("与原件上一致", "As on the original"),
    "desk.paper.issued_on": ("出具日期", "Date that it bears"),
    "desk.paper.valid_to": ("有效期至", "Good until"),
    "desk.paper.file": ("扫描件", "The scan"),
    "desk.paper.file.hint": ("PDF 或 OFD，最大 32 MB", "PDF or OFD, at most 32 MB"),
    "desk.paper.note": ("备注", "Note"),
    "desk.paper.compared": (
        "我已看过原件，扫描件与原件一致。",
        "I have seen the original, and the scan agrees with it.",
    ),
    "desk.paper.button": ("收存为 B 级材料", "Archive as level B"),
    "desk.paper.jump": ("收存原件", "Archive the original"),
    # --- in the way
    "desk.trouble.gone": (
        "没有找到。这个办件可能已移出清单，或者材料已经有变动。",
        "It is no longer there: the case left the list, or what was held has changed.",
    ),
    "desk.trouble.unavailable": (
        "系统暂时没有响应。请再按一次，不会重复登记。",
        "The service does not answer just now. Press it again: it is recorded once.",
    ),
    "desk.trouble.conflict": (
        "没有用成：它现在不能使用，或者这次用证已经撤回。原因见清单。",
        "It was not used: it is not in force now, or this very use was taken back. The list says why.",
    ),
    "desk.trouble.no_copy": (
        "这份文件做不成加注件。可以选“只登记用证”。",
        "No copy can be made of this file. Use it without one.",
    ),
    "desk.trouble.not_used": (
        "没有用成：这个办件的信息已不能用来用证。请修改办件信息，重新核对。",
        "It was not used: the case cannot be used for as it stands. Change the case and check it again.",
    ),
    "desk.trouble.not_to_compare": (
        "这份材料不需要核对，或者不能核对。",
        "This material needs no comparison, or cannot be compared.",
    ),
    "desk.trouble.other_particulars": (
        "同一份扫描件已为这个办件收存，但填写的内容不同。",
        "This very scan was archived for this case with other particulars.",
    ),
    # --- slips
    "desk.slip.number.missing": ("请填办件编号", "Enter the case number"),
    "desk.slip.item.missing": ("请选事项", "Choose a service item"),
    "desk.slip.item.unknown": (
        "贵单位没有这个事项，请从列表中选择",
        "Your authority handles no such item: choose one from the list",
    ),
    "desk.slip.item.several": (
        "有 {count} 个事项含这几个字：{names}。请再写全一些",
        "{count} items have this in their name: {names}. Write a little more",
    ),
    "desk.slip.item.gone": (
        "这个事项的要求已有变动，请重新核对",
        "What this item asks for has changed: check it again",
    ),
    "desk.slip.missing": ("请填证件号码，或读卡、扫码", "Enter the number, read the card, or scan"),
    "desk.slip.code_length": (
        "身份证号码和统一社会信用代码都是 18 位，这里有 {got} 位",
        "An identity number or social credit code has 18 characters, this has {got}",
    ),
    "desk.slip.citizen_check": (
        "这个身份证号码有误（日期或校验位不对），请核对或重新读卡",
        "This identity number has a slip (its date or check digit): look again, or read the card again",
    ),
    "desk.slip.credit_check": (
        "这个统一社会信用代码有误（校验位不对），请核对",
        "This social credit code has a slip (its check digits): look again",
    ),
    "desk.slip.code_form": (
        "号码只能有字母、数字和连字符",
        "The number may have letters, digits and hyphens only",
    ),
    "desk.slip.only_person": ("这里须是个人的证件号码", "This must be a person's number"),
    "desk.slip.only_organisation": (
        "这个事项的申请人须是单位，请填统一社会信用代码",
        "Only organisations apply for this item: enter a social credit code",
    ),
    "desk.slip.shown_unknown": (
        "本库没有这个二维码对应的证照",
        "The vault knows no certificate by this QR code",
    ),
    "desk.slip.shown_other": (
        "扫到的证照的持有人不能作为这个事项的申请人",
        "Whoever holds the scanned certificate cannot apply for this item",
    ),
    "desk.slip.shown_code": (
        "这不是办件用的码：请对方在查验页出示，或扫证照上的二维码",
        "This code is not for cases: it is shown at the page that verifies. Scan a certificate's QR code",
    ),
    "desk.slip.masked": (
        "遮住的号码只能原样保留：请重新扫码，或输入完整号码",
        "A masked number can only be left as it was: scan again, or enter the whole number",
    ),
    "desk.slip.line": ("第 {place} 行：{told}", "Line {place}: {told}"),
    "desk.slip.too_many": ("最多 {max} 个，现有 {got} 个", "At most {max}, got {got}"),
    "desk.slip.too_long": ("最多 {max} 个字，现有 {got} 个", "At most {max} characters, got {got}"),
    "desk.slip.unprintable": (
        "含有不可见的字符，请重新输入",
        "There is an invisible character in it: type it again",
    ),
    "desk.slip.date": ("请填今天或以后的日期", "Enter today or a later day"),
    "desk.slip.date_form": ("请按 年-月-日 填写日期", "Enter the date as YYYY-MM-DD"),
    "desk.slip.future": ("出具日期不能晚于今天", "It cannot be dated after today"),
    "desk.slip.past": ("已经过期，不能收存", "It has run out and cannot be archived"),
    "desk.slip.none": ("请粘贴至少一个办件编号", "Paste one case number at least"),
    "desk.slip.line_too_long": (
        "第 {place} 个编号太长：最多 {max} 个字，现有 {got} 个",
        "Number {place} is too long: at most {max} characters, got {got}",
    ),
    "desk.slip.line_unprintable": (
        "第 {place} 个编号含有不可见的字符",
        "Number {place} has an invisible character in it",
    ),
    "desk.slip.kind.missing": ("请选材料", "Choose the material"),
    "desk.slip.holder.missing": ("请选属于谁", "Choose whose it is"),
    "desk.slip.holder_name.missing": ("请填姓名或名称", "Enter the name"),
    "desk.slip.file.missing": ("请选扫描件", "Choose the scan"),
    "desk.slip.file.too_large": ("文件太大：最大 {max} MB", "The file is too large: at most {max} MB"),
    "desk.slip.file.refused": (
        "这个文件不能收存：只收结构完好、不加密、不含脚本的 PDF 或 OFD",
        "This file cannot be taken: PDF or OFD, whole, not encrypted, without scripts",
    ),
    "desk.slip.compared.missing": ("请确认已看过原件", "Confirm that you have seen the original"),
    # --- keys
    "desk.keys": ("快捷键", "Keys"),
    "desk.keys.lead": (
        "焦点不在输入框里时有效。读屏软件或语音输入用户可以关闭。",
        "They work while no field has the focus. Switch them off for a screen reader or voice input.",
    ),
    "desk.keys.on": ("使用单键快捷键", "Use single keys"),
    "desk.keys.close": ("关闭", "Close"),
    "desk.keys.lines": ("上一份、下一份材料", "the line above, the line below"),
    "desk.keys.number": ("到第几份材料", "to that line"),
    "desk.keys.edit": ("填办件", "fill in the case"),
    "desk.keys.page": ("显示或放大版面", "show the page, or enlarge it"),
    "desk.keys.leave": ("离开输入框", "leave a field"),
    "desk.keys.help": ("显示这张表", "show this table"),
    # --- not for everybody
    "desk.not_yours": ("这里是窗口人员的工作台", "This is for clerks"),
    "desk.not_yours.detail": (
        "您登录的身份不是窗口经办人员，或者没有所属单位。如果您是，请联系本单位管理员。",
        "You did not sign in as a clerk of an organisation. If you are one, ask your administrator.",
    ),
}
