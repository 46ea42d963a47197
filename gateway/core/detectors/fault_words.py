"""What is said about a sensor that behaves like a failed one."""

from __future__ import annotations

from gateway.model.text import Text

_NOTES = {
    "spike": Text("jumped by {jump:+.4g} {unit} and came back at once; its steps usually stay below {bar:.3g} {unit}",
                  "读数突跳 {jump:+.4g} {unit} 后立即返回；平时相邻读数的变化小于 {bar:.3g} {unit}"),
    "noise": Text("trembles like electrical noise, {height:.1f} times the bound of the usual: look for a loose contact",
                  "读数像电气噪声一样抖动，为正常界限的 {height:.1f} 倍：请检查接线是否松动"),
    "offset": Text("jumped by {jump:+.4g} {unit} and stayed, while it moves as before: an offset, not the process",
                   "读数突变 {jump:+.4g} {unit} 并停留在新水平，波动与之前相同：疑似零点偏移，而非工况变化"),
    "creep": Text("{away} has moved the same way four times running, by {move:+.3g} {unit} or more over {window} each "
                  "time", "{away}连续四次朝同一方向移动，每次（{window}）至少 {move:+.3g} {unit}"),
    "zero": Text("zero has drifted below the range: {mean:.4g} {unit}, the lower end is {low:g} {unit}",
                 "零点负漂：读数 {mean:.4g} {unit}，低于量程下限 {low:g} {unit}"),
    "calm": Text("hardly moves any more: {bend:.3g} {unit} from mean to mean over {window}, usually {usual:.3g} {unit}"
                 "{peers}: covered or blocked?",
                 "读数几乎不再波动：{window}内均值间变化 {bend:.3g} {unit}，平时约 {usual:.3g} {unit}{peers}："
                 "探头是否被包裹或堵塞？"),
    "relaxing": Text("relaxes smoothly to one side: {bend:.3g} {unit} from mean to mean over {window}, usually "
                     "{usual:.3g} {unit}{peers}: covered or blocked?",
                     "读数平滑地向一侧衰减：{window}内均值间变化 {bend:.3g} {unit}，平时约 {usual:.3g} {unit}{peers}："
                     "探头是否被包裹或堵塞？"),
    "pinned": Text("jumped by {jump:+.4g} {unit} and has stood at {mean:.6g} {unit} since: a converter at its stop?",
                   "读数突变 {jump:+.4g} {unit} 后一直停在 {mean:.6g} {unit}：变送器是否已到极限？"),
    "top": Text("{reads} reads in a row at the top of the range, {mean:.6g} {unit}: the true value may be higher",
                "连续 {reads} 次读数停在量程上限 {mean:.6g} {unit}：真实值可能更高"),
    "dropout": Text("{lost} of the last reads were lost, again and again: check the line and the supply",
                    "近期反复丢失读数（累计 {lost} 次）：请检查线路和供电"),
}
_OTHERS_MOVE = Text("; its peers still move", "；同类探头仍有波动")
_LEVEL, _DISTANCE = Text("the level", "读数水平"), Text("the distance from its peers", "与同类探头的差值")


def note(word: str, unit: str, *, window_s: float = 0.0, peers: bool = False, **numbers: float) -> Text:
    """One line of evidence, English and Chinese, with the numbers in it."""
    return _NOTES[word].format(unit=unit, window=duration(window_s), peers=_OTHERS_MOVE if peers else Text("", ""),
                               away=_DISTANCE if peers else _LEVEL, **numbers)


def duration(seconds: float) -> Text:
    for unit, en, zh in ((86400.0, "d", "天"), (3600.0, "h", "小时"), (60.0, "min", "分钟")):
        if seconds >= unit:
            return Text(f"{seconds / unit:.3g} {en}", f"{seconds / unit:.3g} {zh}")
    return Text(f"{seconds:.3g} s", f"{seconds:.3g} 秒")
