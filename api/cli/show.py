"""What `up` and `demo` print."""

from pathlib import Path

from qrcode import QRCode
from rich.console import Console
from rich.json import JSON
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from api.cli.walk import Step, Walked
from api.local_vault import LocalVault
from vault.model.actors import Role

COPY_FILE = "usage-copy.pdf"
PRIVATE_FILE = 0o600


def show_up(out: Console, vault: LocalVault) -> None:
    """A vault that answers: where, who may sign in, and what the start took."""
    table = Table(title="登录 Who can sign in", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("角色 role", "姓名 name", "登录名 login", "密码 password"):
        table.add_column(column)
    for person in vault.city.people:
        table.add_row(person.role.value, person.name, person.login, person.password)
    out.print(
        f"\n[bold green]电子证照库已启动 The vault answers:[/] {vault.base_url}\n"
        f"  引擎 engines {vault.engines_s:.1f} s · 建库 set-up {vault.founding_s:.1f} s"
        f" · 服务 server {vault.server_s:.1f} s\n"
        f"  数据 data {escape(str(vault.data))}\n"
        f"  脚本入口 for scripts {escape(str(vault.demo_file))}\n"
    )
    out.print(table)
    out.print()


def show_step(out: Console, step: Step) -> None:
    """One step of the walk, as it ends."""
    mark = "[green]✓[/]" if step.passed else "[bold red]✗[/]"
    took = f"[dim]{step.took_ms:.0f} ms[/]"
    out.print(f"{mark} {step.zh} [dim]{step.en}[/]  {escape(step.detail)}  {took}", soft_wrap=True)


def show_demo(out: Console, vault: LocalVault, walked: Walked) -> None:
    """What the walk came to: certificates, the refusal, addresses to open."""
    if walked.problem:
        body = JSON.from_data(dict(walked.problem), ensure_ascii=False).text
        body.no_wrap, body.overflow = False, "fold"
        out.print(Panel(body, title="退回示例 A refusal, as clients get it (RFC 9457)", expand=False))
    deposited = Table(title="已入库 Deposited", title_justify="left", box=None, padding=(0, 2, 0, 0))
    deposited.add_column("编号 number", no_wrap=True)
    deposited.add_column("验证码 code", no_wrap=True)
    deposited.add_column("电子证照标识 identifier", overflow="fold")
    for certificate in walked.certificates:
        columns = ("number", "verification_code", "identifier")
        deposited.add_row(*(certificate[name] for name in columns))
    out.print(deposited)
    whose = {person.role: f"({person.login} / {person.password})" for person in reversed(vault.city.people)}
    addresses = [
        ("验证 verify anything", f"{vault.base_url}/"),
        ("持证人 the holder's page", f"{vault.base_url}/my  {whose[Role.HOLDER]}"),
        ("窗口 the clerk's desk", f"{vault.base_url}/desk  {whose[Role.CLERK]}"),
        ("运维 the operator's console", f"{vault.base_url}/console  {whose[Role.OPERATOR]}"),
        ("接口文档 API reference", f"{vault.base_url}/docs"),
    ]
    if walked.certificates:
        addresses.insert(1, ("扫码所到 where a QR leads", walked.certificates[0]["verify_url"]))
    if walked.copy:
        addresses.append(("加注件 the usage copy", str(write_copy(vault.data, walked.copy))))
    out.print("\n[bold]打开看看 Addresses to open[/]")
    for name, address in addresses:
        out.print(f"  {name:<28} {address}", soft_wrap=True)
    if walked.certificates:
        show_qr(out, walked.certificates[0]["verify_url"])
    total_s = sum(step.took_ms for step in walked.steps) / 1000
    if walked.failed:
        names = ", ".join(step.en for step in walked.failed)
        out.print(f"\n[bold red]{len(walked.failed)} of {len(walked.steps)} steps failed:[/] {escape(names)}")
        out.print(f"The server's log: {escape(str(vault.data / 'logs' / 'server.log'))}", soft_wrap=True)
    else:
        out.print(f"\n[bold green]全部通过 All {len(walked.steps)} steps as expected[/], {total_s:.1f} s.")


def write_copy(data: Path, copy: bytes) -> Path:
    """Puts the walk's usage copy where it can be opened; a newer walk's takes its place."""
    path = data / COPY_FILE
    path.write_bytes(copy)
    path.chmod(PRIVATE_FILE)
    return path


def show_qr(out: Console, url: str) -> None:
    """A QR in the terminal's own characters, to be held under a phone's camera or a hand scanner."""
    if out.is_terminal:
        symbol = QRCode(border=2)
        symbol.add_data(url)
        symbol.print_ascii(out=out.file, tty=False)
