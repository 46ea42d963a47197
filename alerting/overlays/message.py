"""What people are told of a hold itself: that nobody is called for some alarms, and that they are called again. The
payload is that of alerting.message."""

from __future__ import annotations

from typing import Final

from alerting.message import NOT_RECORDED, both, local_time
from alerting.overlays.hold import Kind, Step
from alerting.overlays.tables import Act
from gateway.model.person import is_verified, named
from gateway.model.ports import Notice
from gateway.model.site import Site
from gateway.model.text import LANGUAGES, Text

_HEADINGS: Final = {  # at the beginning, at the end, when its time is over
    Kind.BYPASS: (Text("BYPASSED", "已旁路"), Text("BYPASS ENDED", "旁路已解除"), Text("BYPASS EXPIRED", "旁路已到期")),
    Kind.SHELF: (Text("SHELVED", "已搁置"), Text("SHELVING ENDED", "搁置已解除"),
                 Text("SHELVING EXPIRED", "搁置已到期")),
    Kind.OUT_OF_SERVICE: (Text("OUT OF SERVICE", "已停用"), Text("BACK IN SERVICE", "已恢复投用"),
                          Text("OUT OF SERVICE EXPIRED", "停用已到期")),
}
_ENDINGS: Final = {Act.BEGIN: "", Act.BEGIN_ONCE: "", Act.END: " ended", Act.NORMAL: " ended", Act.EXPIRE: " expired"}
_DONE_BY: Final = {Kind.BYPASS: Text("Bypassed by", "旁路责任人："), Kind.SHELF: Text("Shelved by", "搁置责任人："),
                   Kind.OUT_OF_SERVICE: Text("Taken out of service by", "停用责任人：")}


def compose(site: Site, step: Step, *, recorded: bool = True, link: str = "") -> Notice:
    """For those who would be called for the alarms of the hold."""
    hold, worst, event = step.hold, step.alarms[0], f"{step.hold.kind}{_ENDINGS[step.act]}"
    key = f"{site.id}/{hold.target}@{hold.begun_wall_ns}:{event.replace(' ', '-')}"
    heading = _HEADINGS[hold.kind][0 if step.begins else 2 if step.act is Act.EXPIRE else 1]
    area = site.area_name(worst.area)
    title = Text(*(f"{heading[language]} {worst.priority.name} {hold.target}{comma}{area[language]}"
                   for language, comma in zip(LANGUAGES, (", ", "，"), strict=True)))
    payload = {
        "key": key, "event": event, "alarm": hold.target, "occurrence": 0, "priority": worst.priority.name,
        "risk": str(worst.risk), "state": event,
        "site": {"id": site.id, "name": both(site.name)}, "area": {"id": worst.area, "name": both(area)},
        "value": None, "unit": "", "limit": None, "time": local_time(site, step.at.wall_ns).isoformat(),
        "raised": local_time(site, hold.begun_wall_ns).isoformat(), "zone": site.timezone, "first_out": False,
        "recorded": recorded, "title": both(title),
        "text": both(Text(*("\n".join(line[language] for line in _lines(site, step, recorded, link))
                            for language in LANGUAGES))),
        "language": site.language, "link": link or None, "evidence": [],
        "who": step.who, "comment": step.why, "verified": is_verified(step.who or step.hold.who),
    }
    return Notice(key, hold.target, payload, recorded)


def _lines(site: Site, step: Step, recorded: bool, link: str) -> list[Text]:
    hold = step.hold
    until = f"{local_time(site, hold.until_wall_ns):%Y-%m-%d %H:%M:%S}"
    lines = [] if recorded else [NOT_RECORDED]
    lines.append({
        Act.BEGIN: Text(f"Nobody is called for these alarms until {until} ({site.timezone})",
                        f"以下告警在 {until}（{site.timezone}）之前不通知人员"),
        Act.BEGIN_ONCE: Text(f"Nobody is called for these alarms until they are back to normal, or until {until} "
                             f"({site.timezone})",
                             f"以下告警在恢复正常之前不通知人员，最迟至 {until}（{site.timezone}）"),
        Act.END: Text("People are called for these alarms again", "以下告警恢复通知"),
        Act.NORMAL: Text("Back to normal: people are called for these alarms again", "已恢复正常，以下告警恢复通知"),
        Act.EXPIRE: Text("Its time is over: people are called for these alarms again", "已到期，以下告警恢复通知"),
    }[step.act])
    lines += [Text(f"  {alarm.priority.name} {alarm.name.en}", f"  {alarm.priority.name} {alarm.name.zh}")
              for alarm in step.alarms]
    lines.append(Text("{by} {who}: {why}", "{by}{who}；原因：{why}").format(
        by=_DONE_BY[hold.kind], who=named(hold.who), why=hold.why))
    if hold.approved:
        lines.append(Text("Approved by {who}", "批准人：{who}").format(who=named(hold.approved)))
    if step.act is Act.END:
        lines.append(Text("Ended by {who}{why}", "解除人：{who}{why}").format(
            who=named(step.who), why=f" {step.why}" if step.why else ""))
    if link:
        lines.append(Text("Page: {link}", "页面：{link}").format(link=link))
    return lines
