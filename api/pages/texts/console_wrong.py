"""What can be wrong with a vault: in a sentence, and what to do next."""

from collections.abc import Mapping

WRONG: Mapping[str, tuple[str, str]] = {
    "console.wrong.no-worker": (
        "没有后台进程在运行（最后一次活动：{heard_at}）",
        "No worker is alive (last heard: {heard_at})",
    ),
    "console.next.no-worker": (
        "日志写入、推送和复查都已停下，交存照常。在服务器上启动后台进程。",
        "Log, webhooks and second looks stand still; deposits go on. Start the worker on its machine.",
    ),
    "console.wrong.queue-late": (
        "任务队列积压，最早一项应在 {since} 办理",
        "The queue is behind: its oldest job was due {since}",
    ),
    "console.next.queue-late": (
        "后台进程在运行但跟不上。先查各部件是否正常，必要时增加后台进程。",
        "Workers are alive and do not keep up. See whether every engine answers, then start more of them.",
    ),
    "console.wrong.job-given-up": ("{count} 个任务已放弃：{task}", "{count} jobs were given up: {task}"),
    "console.next.job-given-up": (
        "任务多次失败后放弃，往往是某个文件或记录有损坏。做一次核对，找出是哪一个。",
        "They failed too often, mostly because a file or a record is damaged. A check says which.",
    ),
    "console.wrong.refused-by-us": (
        "一小时内退回 {client} 的交存 {count} 件：{outcome}",
        "{client}: {count} refused within the hour, {outcome}",
    ),
    "console.next.refused-by-us": (
        "原因在本库一侧。先做一次自检。",
        "The cause is on our side. Examine the vault.",
    ),
    "console.wrong.refused": (
        "一小时内退回 {client} 的交存 {count} 件：{outcome}",
        "{client}: {count} refused within the hour, {outcome}",
    ),
    "console.next.refused": (
        "原因在对方一侧，答复中已写明。请联系该系统的运维人员。",
        "The cause is on their side, and the answer says so. Tell whoever runs that system.",
    ),
    "console.wrong.store-away": ("日志存储没有回应", "The log's store does not answer"),
    "console.next.store-away": (
        "检查对象存储服务。恢复之前，交存会被退回并要求稍后再送。",
        "Look after the object store. Until it is back, deposits are asked to come again later.",
    ),
    "console.wrong.log-stopped": ("公开日志已停止写入：{why}", "The public log has stopped: {why}"),
    "console.next.log-stopped": (
        "日志宁可停下也不分叉。不要重建数据库；按提示处理，说明见 docs/transparency.md。",
        "It stops rather than fork. Do not rebuild anything; do what it says: docs/transparency.md.",
    ),
    "console.wrong.log-overdue": (
        "承诺写入日志的条目已逾期（应于 {since}），{waiting} 条在等候",
        "A promise to include a leaf is broken (due {since}); {waiting} leaves wait",
    ),
    "console.next.log-overdue": (
        "多为后台进程停了。启动它，或现在手工写入一次。",
        "Mostly the worker is down. Start it, or sequence once by hand.",
    ),
    "console.wrong.witness-silent": (
        "见证方 {name} 没有跟上（最近签署：{signed_at}）",
        "Witness {name} does not keep up (last signed: {signed_at})",
    ),
    "console.next.witness-silent": (
        "联系见证方，确认它能访问本库的日志地址。",
        "Ask the witness whether it reaches the log's address.",
    ),
    "console.wrong.seal-expired": ("{name}的印章证书已到期（{on}）", "The seal of {name} has expired ({on})"),
    "console.next.seal-expired": (
        "该机关已不能用它发证。换发新印章，再停用旧印章（{seal}）。",
        "Nothing is sealed with it any more. Make a new seal, then stop this one ({seal}).",
    ),
    "console.wrong.seal-ends": ("{name}的印章证书将于 {on} 到期", "The seal of {name} ends on {on}"),
    "console.next.seal-ends": (
        "新证书的申领需要数周，现在就向签发机构申领（{seal}）。",
        "A new certificate takes weeks to get: ask for it now ({seal}).",
    ),
    "console.wrong.cap-reached": (
        "{name}的印章今日已达上限：{client} 用印 {used} / {cap}",
        "The seal of {name} has reached its cap: {client} used {used} of {cap} today",
    ),
    "console.next.cap-reached": (
        "今天不再为该系统用印，明日零时恢复。确认不是异常后，由两名保管人作一份上限更高的授权。",
        (
            "No more is sealed for this system until midnight. If this is as it should be, two custodians "
            "make a grant with a higher cap."
        ),
    ),
    "console.wrong.cap-near": (
        "{name}的印章今日用量接近上限：{client} 用印 {used} / {cap}",
        "The seal of {name} is near its cap: {client} used {used} of {cap} today",
    ),
    "console.next.cap-near": (
        "达到上限后交存会被退回。请保管人看一下是否需要更高的上限。",
        "Deposits are refused once it is reached. Have the custodians see whether the cap should be higher.",
    ),
    "console.wrong.grant-waits": (
        "{name}的一份用印授权（{client}）等候另一名保管人同意",
        "A grant of {name}'s seal for {client} waits for another custodian",
    ),
    "console.next.grant-waits": (
        "请另一名保管人登录后核对并同意。",
        "Have another custodian sign in, look at it and approve it.",
    ),
    "console.wrong.grant-ends": (
        "{name}给 {client} 的用印授权将于 {on} 到期",
        "The grant of {name}'s seal for {client} ends on {on}",
    ),
    "console.next.grant-ends": (
        "到期后交存会被退回。请两名保管人先作好下一份授权。",
        "Deposits are refused afterwards. Have two custodians make the next grant before.",
    ),
    "console.wrong.nothing-granted": ("没有任何有效的用印授权", "Nothing is granted"),
    "console.next.nothing-granted": (
        "没有授权就不能盖章，交存都会被退回。由两名保管人作出授权，说明见 docs/seals.md。",
        (
            "Without a grant nothing is sealed, and every deposit is refused. Two custodians make grants: "
            "docs/seals.md."
        ),
    ),
    "console.wrong.untimed": (
        "{count} 份文件等候时间戳，最早自 {since}，已超出允许的范围",
        "{count} files wait for a time-stamp, the oldest since {since}: over the budget",
    ),
    "console.next.untimed": (
        "时间戳服务没有回应。联系服务方；超限期间交存会被退回。",
        "The time-stamp authority does not answer. Call it; meanwhile deposits are refused.",
    ),
    "console.wrong.raise-given-up": ("{count} 份文件的签章未能延期", "{count} files could not be raised"),
    "console.next.raise-given-up": (
        "先在「印章」页看原因，处理后再让后台重试。",
        "See why under Seals, mend it, then let the worker try again.",
    ),
    "console.wrong.raise-late": ("{count} 份文件的签章逾期未延期", "{count} files are late to be raised"),
    "console.next.raise-late": (
        "看后台进程是否在运行，时间戳服务是否正常。",
        "See whether a worker runs and the time-stamp authority answers.",
    ),
    "console.wrong.fsck-never": ("还没有做过核对", "No check has run yet"),
    "console.next.fsck-never": (
        "每周至少核对一次，建议在夜间定时运行。",
        "Run one every week, at night, by a timer.",
    ),
    "console.wrong.fsck-problems": (
        "{at} 的核对发现 {count} 个问题",
        "The check {at} found {count} problems",
    ),
    "console.next.fsck-problems": (
        "再核对一次，逐条看清是哪些记录或文件；不要删除任何东西。",
        "Run it again and read each of them; delete nothing.",
    ),
    "console.wrong.fsck-broken-off": ("核对中断（{at}）", "A check broke off ({at})"),
    "console.next.fsck-broken-off": (
        "确认数据库和对象存储正常后重新核对。",
        "See that the engines answer, then start it again.",
    ),
    "console.wrong.fsck-old": ("上次核对是 {at}", "The last check was {at}"),
    "console.next.fsck-old": ("看夜间的定时任务是否还在运行。", "See whether the nightly timer still runs."),
    "console.wrong.backup-never": ("还没有登记过备份：{part}", "No backup was ever reported: {part}"),
    "console.next.backup-never": (
        "本库不自行备份。在备份脚本的最后一行登记，这里才能知道备份是否还在做。",
        (
            "The vault makes none itself. Report each one in the last line of its script, so that a missing "
            "one shows."
        ),
    ),
    "console.wrong.backup-failed": (
        "备份失败：{part}（{at}；上次成功：{well}）",
        "A backup failed: {part} ({at}; last good one: {well})",
    ),
    "console.next.backup-failed": (
        "看备份工具的日志，修好后立即补做一次。",
        "Read the log of the backup tool, mend it, and make one now.",
    ),
    "console.wrong.backup-old": (
        "备份过旧：{part}，上次成功是 {at}",
        "A backup is old: {part}, last good one {at}",
    ),
    "console.next.backup-old": (
        "看备份工具是否还在运行，立即补做一次。",
        "See whether the backup tool still runs, and make one now.",
    ),
    "console.wrong.cases-open": (
        "{count} 件办件预留已久未完成交存，最早自 {since}",
        "{count} cases were reserved long ago and never completed, the oldest {since}",
    ),
    "console.next.cases-open": (
        "请审批系统原样再交存一次。命令列出完整的办件编号。",
        "Have their systems send them again, unchanged. The command prints the case numbers.",
    ),
    "console.wrong.client-shut-out": (
        "{client} 没有有效凭据，不能接入",
        "{client} has no credentials and cannot come in",
    ),
    "console.next.client-shut-out": (
        "换发密码并交给对方；如已不用，用 certvault client disable 停用。",
        "Give it a new secret; if it is no longer used, disable it with certvault client disable.",
    ),
    "console.wrong.client-ends": ("{client} 的凭据将于 {on} 到期", "The credentials of {client} end on {on}"),
    "console.next.client-ends": (
        "请对方先换用新凭据，新旧凭据可并用一段时间。",
        "Let it take up new ones first; both are good for a while.",
    ),
    "console.wrong.letters-dead": ("{count} 批推送未能送达", "{count} deliveries of webhooks were given up"),
    "console.next.letters-dead": (
        "请接收方确认服务正常，再用 certvault webhook replay 重送。",
        "Have the receiver see to its service, then send again with certvault webhook replay.",
    ),
    # --- what a deposit was refused for, and how it is mended ------------------------------------------
    "console.outcome.invalid-input": ("内容不符合要求", "the contents do not fit"),
    "console.mend.invalid-input": (
        "答复逐项写明了哪个字段有误。请该系统的运维人员对照修改后再送。",
        "The answer names each bad field. Have whoever runs that system mend them and send again.",
    ),
    "console.outcome.document-refused": ("附带的文件不能接收", "the document was refused"),
    "console.mend.document-refused": (
        "文件损坏、加密或含有活动内容。请对方重新导出后再送。",
        "It is damaged, encrypted or has active content. Have it exported anew and sent again.",
    ),
    "console.outcome.not-permitted": ("越权", "not permitted"),
    "console.mend.not-permitted": (
        "该系统未获准为该机关或该类型交存。核对登记的范围。",
        "The system may not deposit for this authority or type. Compare what it is bound to.",
    ),
    "console.outcome.seal-not-granted": ("没有用印授权", "the seal is not granted"),
    "console.mend.seal-not-granted": (
        "由两名保管人为该系统和类型作出授权，然后对方原样再送。",
        "Two custodians make a grant for this system and type; then it sends the same again.",
    ),
    "console.outcome.seal-cap-reached": ("用印已达当日上限", "the seal's daily cap is reached"),
    "console.mend.seal-cap-reached": (
        "明日零时恢复；确认不是异常后，可由保管人提高上限。",
        "It goes on at midnight; if this is as it should be, custodians may raise the cap.",
    ),
    "console.outcome.conflict": ("与已有记录冲突", "in conflict with what is recorded"),
    "console.mend.conflict": (
        "同一办件编号送来了不同内容。请对方核对是否重号。",
        "The same case number came with other contents. Have them see whether it was used twice.",
    ),
    "console.outcome.too-many-requests": ("请求过于频繁", "too many requests"),
    "console.mend.too-many-requests": (
        "对方应按答复中的时间等候后再送。",
        "It should wait as long as the answer says.",
    ),
    "console.outcome.too-large": ("请求过大", "too large"),
    "console.mend.too-large": (
        "请对方分批交存，文件先上传。",
        "Have it send fewer at a time, and upload files first.",
    ),
    "console.outcome.malformed-request": ("请求无法读取", "the request cannot be read"),
    "console.mend.malformed-request": (
        "不是有效的 JSON。请对方检查编码。",
        "It is no JSON. Have them look at the encoding.",
    ),
    "console.outcome.unsupported-media-type": ("内容类型不对", "wrong media type"),
    "console.mend.unsupported-media-type": (
        "请对方以 application/json 发送。",
        "Have it send application/json.",
    ),
    "console.outcome.not-found": ("所引用的内容不存在", "what it names is not there"),
    "console.mend.not-found": (
        "多为所引用的文件没有先上传，或已过期清除。",
        "Mostly a file that was not uploaded before, or was cleared away.",
    ),
    "console.outcome.unavailable": ("本库暂时不能服务", "the vault was not available"),
    "console.mend.unavailable": (
        "数据库、对象存储、印章或时间戳服务之一没有回应。做一次自检；对方会自动再送。",
        (
            "The database, the object store, a seal or the time-stamp authority did not answer. Examine the "
            "vault; clients come again by themselves."
        ),
    ),
    "console.outcome.integrity": ("本库自身有误", "the vault itself is wrong"),
    "console.mend.integrity": (
        "立即核对（certvault fsck），并通知负责人。",
        "Run certvault fsck at once, and call somebody.",
    ),
    "console.outcome.internal": ("内部错误", "internal error"),
    "console.mend.internal": (
        "在服务日志中查找 incident 编号，附上日志报告开发方。",
        "Look for the incident in the service's log, and report it with that log.",
    ),
    "console.backup.database": ("数据库", "the database"),
    "console.backup.objects": ("文件", "the files"),
    "console.backup.keys": ("密钥", "the keys"),
    "console.task.second_look": ("对已存文件的复查", "second looks at stored files"),
    "console.task.take_over": ("证照接替", "a successor taking over"),
    "console.task.empty_intake": ("清理上传区", "emptying the intake"),
    "console.task.deliver_webhook": ("推送", "webhooks"),
    "console.task.cut_webhooks": ("分发变更", "cutting the feed"),
    "console.task.discard_copy": ("删除用证副本", "taking usage copies away"),
    "console.task.retry_stalled": ("重发中断的任务", "giving stalled jobs out again"),
    "console.task.add_up_avoided": ("免提交累计", "adding up resubmissions avoided"),
    "console.task.forget_ended": ("清理已结束的会话", "forgetting ended sessions"),
}
