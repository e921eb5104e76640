"""The operator's console: its panels. What is wrong and what to do about it stands in `console_wrong`."""

from collections.abc import Mapping

from api.pages.texts.console_wrong import WRONG

CONSOLE: Mapping[str, tuple[str, str]] = {
    "console.title": ("控制台", "The console"),
    "console.part.deposits": ("总览", "Overview"),
    "console.part.cases": ("不能办结的办件", "Cases that may not close"),
    "console.part.seals": ("印章", "Seals"),
    "console.part.log": ("公开日志", "Public log"),
    "console.part.upkeep": ("核对与备份", "Checks and backups"),
    "console.part.clients": ("接入系统", "Client systems"),
    "console.part.catalogue": ("证照目录", "Catalogue"),
    "console.part.avoided": ("免提交", "Resubmissions avoided"),
    "console.part.imports": ("存量导入", "Imports"),
    "console.imports.lead": (
        "把已发的证照批量导入本库。关掉页面不影响导入，回来仍能看到进度。",
        "Certificates issued before, brought in by the thousand. It goes on when the page is closed.",
    ),
    "console.imports.none": ("没有导入任务", "There are no imports"),
    "console.imports.none.detail": (
        "审批系统或 certvault import 命令发起导入后，这里会显示进度。",
        "Progress shows here once a client or certvault import begins one.",
    ),
    "console.imports.done": ("已处理 {done} / {total} 行", "{done} of {total} rows"),
    "console.imports.rate": ("每秒 {rate} 行", "{rate} rows a second"),
    "console.imports.eta": ("约剩 {minutes} 分钟", "about {minutes} min left"),
    "console.imports.imported": ("已导入", "Imported"),
    "console.imports.there": ("库中已有", "There already"),
    "console.imports.rejected": ("退回", "Rejected"),
    "console.imports.mode.check": ("试导入（只检查）", "Checked only"),
    "console.imports.mode.import": ("正式导入", "Imported"),
    "console.imports.state.running": ("进行中", "Running"),
    "console.imports.state.stopped": ("已中断，重新发起即可继续", "Broken off: start it again to go on"),
    "console.imports.state.done": ("已完成", "Done"),
    "console.imports.state.failed": ("失败", "Failed"),
    "console.refused": (
        "这里由运行、印章保管和审计人员使用",
        "This is for operators, seal custodians and auditors",
    ),
    "console.refused.detail": (
        "您登录的身份没有查看这一页的权限。需要权限时，请与本库的运行单位联系。",
        "Who you signed in as may not see this page. If you need to, ask whoever runs this vault.",
    ),
    # --- how things stand now ----------------------------------------------------------------------
    "console.as_of": ("截至 {time}", "As of {time}"),
    "console.live": ("每 10 秒自动更新", "Updates itself every 10 seconds"),
    "console.paused": ("已暂停更新", "Updates are paused"),
    "console.stale": (
        "连接中断，下面是断开前的数字。恢复后会自动更新；如仍不更新，请刷新页面或重新登录。",
        (
            "The connection is lost; these are the figures from before. They update by themselves once it is "
            "back. If they do not, reload the page or sign in again."
        ),
    ),
    "console.refresh": ("刷新", "Refresh"),
    "console.pause": ("暂停更新", "Pause updates"),
    "console.resume": ("恢复更新", "Resume updates"),
    "console.copy": ("复制命令", "Copy the command"),
    "console.copied": ("已复制", "Copied"),
    "console.now": ("刚才", "just now"),
    "console.never": ("从未", "never"),
    "console.ago.minute": ("{many} 分钟前", "{many} minute ago"),
    "console.ago.minutes": ("{many} 分钟前", "{many} minutes ago"),
    "console.ago.hour": ("{many} 小时前", "{many} hour ago"),
    "console.ago.hours": ("{many} 小时前", "{many} hours ago"),
    "console.ago.day": ("{many} 天前", "{many} day ago"),
    "console.ago.days": ("{many} 天前", "{many} days ago"),
    "console.in.minute": ("{many} 分钟后", "in {many} minute"),
    "console.in.minutes": ("{many} 分钟后", "in {many} minutes"),
    "console.in.hour": ("{many} 小时后", "in {many} hour"),
    "console.in.hours": ("{many} 小时后", "in {many} hours"),
    "console.in.day": ("{many} 天后", "in {many} day"),
    "console.in.days": ("{many} 天后", "in {many} days"),
    "console.span.minute": ("{many} 分钟", "{many} minute"),
    "console.span.minutes": ("{many} 分钟", "{many} minutes"),
    "console.span.hour": ("{many} 小时", "{many} hour"),
    "console.span.hours": ("{many} 小时", "{many} hours"),
    "console.span.day": ("{many} 天", "{many} day"),
    "console.span.days": ("{many} 天", "{many} days"),
    # --- overview ----------------------------------------------------------------------------------
    "console.attention": ("需要处理", "What needs you"),
    "console.attention.none": ("没有需要处理的事项", "Nothing needs you"),
    "console.attention.none.detail": (
        "交存、任务队列、公开日志、印章、核对和备份均正常。",
        "Deposits, queue, public log, seals, checks and backups are all in order.",
    ),
    "console.attention.now": ("{many} 项须立即处理", "{many} to do now"),
    "console.attention.soon": ("{many} 项须尽快处理", "{many} to do soon"),
    "console.weight.now": ("立即处理", "Now"),
    "console.weight.soon": ("尽快处理", "Soon"),
    "console.details": ("查看详情", "See the details"),
    "console.deposits": ("交存", "Deposits"),
    "console.rate": ("最近 {span}", "Last {span}"),
    "console.rate.refused": ("退回 {many}", "{many} refused"),
    "console.rate.none": ("无退回", "none refused"),
    "console.chart.minutes": ("最近一小时，按分钟", "The last hour, by minutes"),
    "console.chart.hours": ("最近七天，按小时", "The last seven days, by hours"),
    "console.chart.deposits.detail": (
        "横线以上为交存成功的办件，以下为退回的办件。最高一柱为 {most} 件。",
        "Above the line what was deposited, below it what was refused. The highest column stands for {most}.",
    ),
    "console.chart.hour_ago": ("一小时前", "An hour ago"),
    "console.chart.week_ago": ("七天前", "Seven days ago"),
    "console.chart.now": ("现在", "Now"),
    "console.chart.table": ("以表格查看", "The same as a table"),
    "console.chart.when": ("时间", "When"),
    "console.chart.well": ("成功", "Deposited"),
    "console.chart.refused": ("退回", "Refused"),
    "console.chart.none": ("这段时间没有交存。", "Nothing was deposited in this time."),
    "console.legend.well": ("交存成功", "Deposited"),
    "console.legend.refused": ("退回", "Refused"),
    "console.refusals": ("最近一天退回的原因", "Why deposits were refused in the last day"),
    "console.refusals.none": ("最近一天没有退回。", "None was refused in the last day."),
    "console.refusals.why": ("原因", "Why"),
    "console.refusals.mend": ("怎么办", "What to do"),
    "console.client": ("接入系统", "Client"),
    "console.count": ("件数", "Count"),
    "console.last": ("最近一次", "Last"),
    "console.queue": ("任务队列", "The queue"),
    "console.queue.none": ("队列中没有任务。", "There are no jobs in the queue."),
    "console.queue.workers": ("后台正常（{many} 条通道）", "The worker is alive ({many} lanes)"),
    "console.queue.no_workers": ("没有后台进程在运行", "No worker is alive"),
    "console.queue.name": ("队列", "Queue"),
    "console.queue.due": ("应办", "Due"),
    "console.queue.waiting": ("等候", "Waiting"),
    "console.queue.running": ("正在办", "Running"),
    "console.queue.retrying": ("重试中", "Trying again"),
    "console.queue.since": ("最早一项应办于", "Oldest due since"),
    "console.queue.scrub": ("复查与清理", "Second looks and tidying"),
    "console.queue.changes": ("变更分发", "The feed of changes"),
    "console.queue.log": ("公开日志", "The public log"),
    "console.queue.webhooks": ("推送", "Webhooks"),
    "console.queue.webhook-retries": ("推送重试", "Webhooks, tried again"),
    "console.queue.seals": ("签章延期", "Raising seals"),
    "console.glance": ("其他情况", "At a glance"),
    "console.glance.cases": ("不能办结的办件", "Cases that may not close"),
    "console.glance.seals": ("在用印章", "Seals in use"),
    "console.glance.log": ("公开日志条目", "Leaves in the public log"),
    "console.glance.fsck": ("上次核对", "Last check"),
    # --- cases -------------------------------------------------------------------------------------
    "console.cases.lead": (
        "这些办件已预留证照，但没有完成交存，审批系统不得办结。正在交存的办件也会短暂列在这里。",
        (
            "These cases have reserved certificates and were never completed: their systems must not close "
            "them. A deposit that is under way is listed for a moment, too."
        ),
    ),
    "console.cases.none": ("没有不能办结的办件", "Every case may close"),
    "console.cases.none.detail": (
        "所有预留的办件都已完成交存。",
        "Every case that reserved certificates has been deposited.",
    ),
    "console.cases.count": ("共 {many} 件", "{many} in all"),
    "console.cases.oldest": ("下面是最早的 {many} 件。", "The oldest {many} are shown."),
    "console.cases.number": ("办件编号", "Case number"),
    "console.cases.since": ("预留时间", "Reserved"),
    "console.cases.next": ("怎么办", "What to do"),
    "console.cases.next.detail": (
        (
            "请审批系统把同一办件原样再交存一次：已预留的证照编号不变，不会重复制证。"
            "完整的办件编号用下面的命令查看。"
        ),
        (
            "Have the approval system send the same case again, unchanged: it keeps the identifiers that it "
            "reserved, and nothing is made twice. The command prints the case numbers in full."
        ),
    ),
    # --- seals -------------------------------------------------------------------------------------
    "console.seals.lead": (
        "停用印章须写明原因，恢复须两名保管人同意。操作用 certvault seal 命令，说明见 docs/seals.md。",
        (
            "To stop a seal takes a reason, to resume it two custodians. Do it with certvault seal: "
            "docs/seals.md."
        ),
    ),
    "console.seals.none": ("没有您能查看的印章", "There is no seal that you may see"),
    "console.seals.none.detail": (
        "印章由发证机关的保管人管理。",
        "Seals are kept by the custodians of the authorities that issue.",
    ),
    "console.seals.table": ("印章与今日用量", "Seals and what was used today"),
    "console.seals.seal": ("印章", "Seal"),
    "console.seals.state": ("状态", "State"),
    "console.seals.used": ("今日用印 / 上限", "Used today / cap"),
    "console.seals.ends": ("证书到期", "Certificate ends"),
    "console.seals.grants": ("用印授权", "Grants"),
    "console.seals.no_grants": ("无须授权", "needs none"),
    "console.seal.in_use": ("在用", "In use"),
    "console.seal.ends_soon": ("在用，即将到期", "In use, ends soon"),
    "console.seal.stopped": ("已停用", "Stopped"),
    "console.seal.expired": ("已到期", "Expired"),
    "console.seal.purpose.certificates": ("证照（PDF）", "Certificates (PDF)"),
    "console.seal.purpose.usage-copy": ("用证副本", "Usage copies"),
    "console.seal.purpose.national": ("证照（OFD，国密）", "Certificates (OFD, SM2)"),
    "console.seal.purpose.national-closing": ("OFD 封装", "Closing OFDs"),
    "console.grant.proposed": ("待另一名保管人同意", "Waits for another custodian"),
    "console.grant.approved": ("有效", "Approved"),
    "console.grant.window": ("有效，未在有效期内", "Approved, outside its window"),
    "console.grant.line": (
        "{client} · {type}：今日 {used} / {cap}，至 {until}",
        "{client} · {type}: {used} / {cap} today, until {until}",
    ),
    "console.grants.count": ("{many} 份授权", "Grants: {many}"),
    "console.renewals": ("签章延期", "Renewals of seals"),
    "console.renewals.off": (
        "本库未设延期目标，签章保持盖章时的级别。",
        "Nothing is raised here: seals stay at the level at which they were made.",
    ),
    "console.renewals.due": ("{span} 内到期", "Due within {span}"),
    "console.renewals.untimed": ("等候时间戳", "Waiting for a time-stamp"),
    "console.renewals.late": ("逾期未办", "Late"),
    "console.renewals.given_up": ("已放弃，须人工处理", "Given up"),
    "console.renewals.failures": ("未能延期的原因", "What failed"),
    "console.renewals.failure.given_up": ("已放弃", "given up"),
    "console.renewals.failure.tried": ("仍在重试", "still tried"),
    # --- log ---------------------------------------------------------------------------------------
    "console.log.lead": (
        "每次发证和状态变更都写入公开日志，任何人都可以核验。日志不含持证人信息。",
        (
            "Every issue and every change of status is written to the public log, which anybody can check. "
            "Nothing of a holder is in it."
        ),
    ),
    "console.log.state": ("状态", "State"),
    "console.log.ok": ("正常：承诺的条目均已按时写入", "In order: every promise is kept"),
    "console.log.away": ("日志存储没有回应", "The log's store does not answer"),
    "console.log.overdue": ("有承诺的条目逾期未写入", "A promise to include a leaf is broken"),
    "console.log.stopped": ("已停止写入", "Stopped"),
    "console.log.size": ("树的大小", "Tree size"),
    "console.log.waiting": ("等候写入", "Waiting for a place"),
    "console.log.checkpoint": ("最近的检查点", "Last checkpoint"),
    "console.log.root": ("树根", "Root"),
    "console.log.origin": ("日志名称", "Origin"),
    "console.log.none": ("日志还没有开始", "The log has not begun"),
    "console.log.none.detail": (
        "第一次交存之后，后台进程会在几秒内写入第一条。",
        "The worker writes the first leaf some seconds after the first deposit.",
    ),
    "console.witnesses": ("见证方", "Witnesses"),
    "console.witnesses.none": (
        (
            "没有配置见证方。见证方在日志之外保存检查点，是发现日志被改写的依据。配置方法见 "
            "docs/transparency.md。"
        ),
        (
            "No witness is configured. Witnesses keep checkpoints outside of the vault: by them a log that "
            "was rewritten is found out. How to add one: docs/transparency.md."
        ),
    ),
    "console.witness.name": ("名称", "Name"),
    "console.witness.size": ("已见证的大小", "Signed at size"),
    "console.witness.signed": ("最近签署", "Last signed"),
    "console.witness.way": ("方式", "How"),
    "console.witness.asked": ("由本库请求", "asked by the vault"),
    "console.witness.comes": ("自行前来", "comes by itself"),
    "console.witness.current": ("与日志一致", "up to date"),
    "console.witness.behind": ("落后 {many} 条", "{many} behind"),
    "console.log.verify": ("自己核验日志", "Check the log yourself"),
    # --- upkeep ------------------------------------------------------------------------------------
    "console.upkeep.lead": (
        (
            "核对（fsck）逐项重新推算本库的每一条记录、每一份文件和整个日志。备份由运行单位的工具完成，"
            "并在这里登记。"
        ),
        (
            "A check (fsck) derives every record, every file and the whole log anew. Backups are made by the "
            "operator's own tool, which reports here."
        ),
    ),
    "console.run.fsck": ("核对（fsck）", "Check (fsck)"),
    "console.run.backup-database": ("数据库备份", "Backup of the database"),
    "console.run.backup-objects": ("文件备份", "Backup of the files"),
    "console.run.backup-keys": ("密钥备份", "Backup of the keys"),
    "console.run.never": ("从未运行", "Never ran"),
    "console.run.never_noted": ("从未登记", "Never reported"),
    "console.run.running": ("正在核对", "Running"),
    "console.run.progress": ("已核对 {many} 项", "{many} things looked at"),
    "console.run.broken_off": ("中断", "Broken off"),
    "console.run.well": ("正常", "Well"),
    "console.run.problems": ("发现 {many} 个问题", "{many} problems"),
    "console.run.failed": ("失败", "Failed"),
    "console.run.last": ("最近一次", "Newest"),
    "console.run.last_well": ("最近一次正常", "Newest that went well"),
    "console.run.looked_at": ("核对数量", "Looked at"),
    "console.run.notes": ("提示", "Notes"),
    "console.run.size": ("大小", "Size"),
    "console.run.command.fsck": ("现在核对", "Check now"),
    "console.run.command.backup": ("备份工具的最后一行", "Last line of the backup's script"),
    "console.walks": ("正在进行的长时间工作", "Long work under way"),
    "console.walks.none": ("没有正在进行的长时间工作。", "There is none."),
    "console.walk.feed": (
        "变更补录：{name}，已完成 {many} 条",
        "Filling the feed of changes: {name}, {many} so far",
    ),
    "console.walk.terms": ("重新推算签章延期日历", "Reckoning the calendar of renewals anew"),
    "console.walk.keys": (
        "更换加密密钥：用 certvault keys rotate 继续",
        "Rotating keys: go on with certvault keys rotate",
    ),
    "console.walk.state": ("进行中", "under way"),
    # --- clients -----------------------------------------------------------------------------------
    "console.clients.table": ("接入系统", "Client systems"),
    "console.clients.none": ("还没有接入系统", "There are no clients yet"),
    "console.clients.none.detail": (
        "用 certvault client add 登记第一个审批系统。",
        "Register the first approval system with certvault client add.",
    ),
    "console.clients.seen": ("最近一次请求", "Last heard"),
    "console.clients.ends": ("凭据到期", "Credentials end"),
    "console.clients.ends.never": ("不限期", "no end set"),
    "console.clients.credentials": ("凭据", "Credentials"),
    "console.clients.has": ("密码 {secrets} 个，公钥 {keys} 个", "{secrets} secrets, {keys} keys"),
    "console.clients.bodies": ("机关数", "Authorities"),
    "console.clients.disabled": ("已停用", "Disabled"),
    "console.clients.shut_out": ("没有有效凭据", "Has no credentials"),
    "console.clients.ends_soon": ("即将到期", "Ends soon"),
    "console.clients.good": ("正常", "Good"),
    "console.webhooks": ("推送", "Webhooks"),
    "console.webhooks.none": ("没有登记推送地址。", "No webhook is registered."),
    "console.webhooks.id": ("编号", "Webhook"),
    "console.webhooks.pending": ("发送中", "Under way"),
    "console.webhooks.dead": ("已放弃", "Given up"),
    "console.webhooks.delivered": ("最近送达", "Last arrived"),
    "console.letters": ("未送达的推送", "Dead letters"),
    "console.letters.why": ("原因", "Why"),
    "console.letters.tries": ("次数", "Tries"),
    "console.letters.when": ("放弃时间", "Given up"),
    "console.letters.again": ("再送一次", "Send again"),
    # --- catalogue ---------------------------------------------------------------------------------
    "console.catalogue.lead": (
        "正在使用的证照类型。选一种，可以改它的模板副本并立即看到版面；改动不会保存，也不影响发证。",
        (
            "The types in force. Choose one to change a copy of its template and see the page at once; "
            "nothing is kept, and nothing that is issued changes."
        ),
    ),
    "console.catalogue.lead.auditor": ("正在使用的证照类型。", "The types in force."),
    "console.catalogue.type": ("证照类型", "Type"),
    "console.catalogue.code": ("类型编码", "Code"),
    "console.catalogue.version": ("版本", "Version"),
    "console.catalogue.template": ("模板", "Template"),
    "console.catalogue.formats": ("格式", "Formats"),
    "console.catalogue.try": ("试改版面", "Try a change"),
    "console.trial.title": ("试改版面：{name}", "Try a change: {name}"),
    "console.trial.lead": (
        (
            "下面是模板的副本，由正式的排版程序在受限的环境中排版。模板不能读取其他文件，也不能联网。"
            "改动只在这一页里，离开即消失；要正式采用，请改目录文件并用 certvault catalogue apply 发布。"
        ),
        (
            "This is a copy, set by the real typesetter in a confined process: a template reads no other "
            "file and reaches no network. Changes live on this page only. To put them into force, change the "
            "catalogue's files and run certvault catalogue apply."
        ),
    ),
    "console.trial.source": ("模板（Typst）", "Template (Typst)"),
    "console.trial.layout": ("版面参数（JSON）", "Layout (JSON)"),
    "console.trial.example": ("示例数据（JSON，持证人均为虚构）", "Example (JSON; the holders are invented)"),
    "console.trial.show": ("预览", "Preview"),
    "console.trial.reset": ("恢复原样", "Start again"),
    "console.trial.live": ("停笔后自动预览", "Previews by itself when you pause"),
    "console.trial.working": ("正在排版…", "Setting the page…"),
    "console.trial.page": ("预览", "The page"),
    "console.trial.before": ("还没有预览", "No preview yet"),
    "console.trial.before.detail": (
        "改动模板、参数或示例后，按「预览」。",
        "Change the template, the layout or the example, then press Preview.",
    ),
    "console.trial.alt": (
        "{name}的版面，第 {page} 页，共 {pages} 页",
        "The page of {name}, {page} of {pages}",
    ),
    "console.trial.more": (
        "共 {pages} 页，显示前 {shown} 页。",
        "{pages} pages; the first {shown} are shown.",
    ),
    "console.trial.places": (
        "二维码和红色印章在盖章时加上，这里只留出位置。",
        "The QR code and the red seal are added when it is sealed; here is the room for them.",
    ),
    "console.trial.fault": ("模板有误", "The template is wrong"),
    "console.trial.fault.line": ("模板有误：第 {line} 行", "The template is wrong: line {line}"),
    "console.trial.fault.go": ("转到第 {line} 行", "Go to line {line}"),
    "console.trial.problems": ("填写的内容有误", "What was typed is wrong"),
    "console.trial.too_many": ("预览得太频繁，请稍候再试。", "Too many previews at once; wait a moment."),
    "console.trial.lost": (
        "预览没有成功：连接中断，或登录已过期。您的改动还在这一页上。",
        (
            "The preview did not come: the connection is lost, or the session has ended. What you typed is "
            "still here."
        ),
    ),
    # --- avoided -----------------------------------------------------------------------------------
    "console.avoided.lead": (
        "办件所需材料由本库直接提供、申请人不必再交的次数。同一办件的同一材料只计一次。",
        (
            "How often a required material was answered from the vault, so that nobody had to hand it in. "
            "Counted once for a case and requirement."
        ),
    ),
    "console.avoided.total": ("累计免提交", "Avoided in all"),
    "console.avoided.none": ("还没有免提交的记录", "None so far"),
    "console.avoided.none.detail": (
        "审批系统或窗口查询可复用的材料之后，这里会出现数字。",
        "Figures appear once approval systems or clerks ask what need not be handed in again.",
    ),
    "console.avoided.months": ("按月份", "By month"),
    "console.avoided.months.detail": (
        "最近 {many} 个月，最多的一个月为 {most} 件。",
        "The last {many} months; the highest column stands for {most}.",
    ),
    "console.avoided.month": ("月份", "Month"),
    "console.avoided.items": ("按事项", "By service item"),
    "console.avoided.item": ("事项", "Service item"),
    "console.avoided.authorities": ("按实施机关", "By authority"),
    "console.avoided.authority": ("实施机关", "Authority"),
    "console.avoided.all": ("完整数字", "All figures"),
    **WRONG,
}
