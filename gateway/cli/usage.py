"""What argparse says of a wrong command line, also in Chinese."""

from __future__ import annotations

import argparse
import re
from typing import Final, NoReturn

_ZH: Final[tuple[tuple[str, str], ...]] = (
    (r"the following arguments are required: (.*)", r"缺少必填参数：\1"),
    (r"unrecognized arguments: (.*)", r"无法识别的参数：\1"),
    (r"argument (.*): expected one argument", r"参数 \1：需要一个值"),
    (r"argument (.*): expected at least one argument", r"参数 \1：至少需要一个值"),
    (r"argument (.*): expected (\d+) arguments?", r"参数 \1：需要 \2 个值"),
    (r"argument (.*): invalid choice: (.*) \(choose from (.*)\)", r"参数 \1：无效的值 \2（可选：\3）"),
    (r"argument (.*): invalid \S+ value: (.*)", r"参数 \1：无效的值 \2"),
    (r"argument (.*): not allowed with argument (.*)", r"参数 \1 不能与 \2 同时使用"),
    (r"argument (.*): ignored explicit argument (.*)", r"参数 \1 不带值，多余的值：\2"),
    (r"one of the arguments (.*) is required", r"须给出其中一个参数：\1"),
    (r"ambiguous option: (.*) could match (.*)", r"参数 \1 不明确，可能是：\2"),
)


def in_chinese(message: str) -> str:
    """The message itself where nobody has translated it."""
    for pattern, said in _ZH:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return found.expand(said)
    return message


class ChineseParser(argparse.ArgumentParser):
    """Its commands are of this kind, too."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.format_usage().replace('usage:', '用法：', 1)}{self.prog}：错误：{in_chinese(message)}\n")
