"""Video and work: did people work where no camera looked, or too many, or at the wrong hour?"""

from __future__ import annotations

from gateway.model.text import Text
from gateway.sinks import schema
from grafana.boards.board import THE_SITE, Board
from grafana.boards.influxql import INTERVAL, SITE, Query, call, one_of
from grafana.boards.look import ANY_ORANGE, LOAD, SYSTEM
from grafana.boards.panel import Ask, Panel, Show
from grafana.boards.parts import NO_MINUTES, NO_ROW, SIGNAL_LINK, history, minutes, of_kinds, raised
from grafana.boards.site import NO_SYSTEM

WITHOUT_VIDEO, OTHERS = "\"breach\" = 'video'", "\"breach\" = 'interlock'"
PEOPLE = one_of("condition", "headcount", "mismatch")  # as many as the limit is not too many

WORK = Board(
    "work", Text("Davylamp: video and work", "Davylamp 视频与作业"),
    Text("Work without video, head-count, cameras, hours at which machines run", "无视频作业、人数、摄像机、设备运行时段"),
    since="now-24h", choices=(THE_SITE,), panels=(
        Panel("violations", "stat", (6, 5), Text("Work without video", "无视频作业次数"),
              Text("How often did work go on that no camera saw?", "无视频监控仍在作业的有多少次？"),
              Text("No work without video in this time", "该时段内未发生无视频作业"), (raised(WITHOUT_VIDEO),),
              steps=ANY_ORANGE),
        Panel("interlocks", "stat", (6, 5), Text("Other interlocks violated", "违反其他联锁次数"),
              Text("How often was another rule broken, such as \"gas high, fan on\"? Runs against a stop order are on the "
                   "board of electrical load.", "“气体超限须开风机”等其他联锁被违反多少次？违反停产指令的运行见“用电负荷”看板。"),
              Text("No other interlock was violated in this time", "该时段内未违反其他联锁"), (raised(OTHERS),),
              steps=ANY_ORANGE),
        Panel("crowds", "stat", (6, 5), Text("Head-count alarms", "人数告警次数"),
              Text("How often were there too many people, or cards that did not match?", "超员或人卡不符多少次？"),
              Text("No head-count alarm in this time", "该时段内无人数告警"), (raised(PEOPLE),), steps=ANY_ORANGE),
        Panel("most", "stat", (6, 5), Text("Most people", "最多人数"),
              Text("How many people were there at most?", "现场人数最多时是多少？"),
              Text("The site counts no people, or its gateway has not reported", "站点无人数信号，或网关没有上报"),
              (Ask(Query(schema.SITE, (call("max", "people"),), (SITE,))),)),
        Panel("video", "timeline", (24, 4), Text("Video", "视频监控"),
              Text("When was video not whole? Each interval shows its worst minute.", "视频何时不完整？每个时段取最差的一分钟。"),
              NO_SYSTEM, (Ask(Query(schema.SITE, (call("min", "video"),), (SITE,), every=INTERVAL), Text.same("video")),),
              shows=(Show("video", Text("video", "视频监控"), words=SYSTEM),)),
        Panel("load", "timeline", (24, 4), Text("State of load", "负荷状态"),
              Text("When did the site work?", "站点何时在生产？"), NO_ROW,
              (Ask(Query(schema.SITE, (call("max", "load"),), (SITE,), every=INTERVAL), Text.same("load")),),
              shows=(Show("load", Text("load", "负荷"), words=LOAD),)),
        Panel("people", "curve", (12, 9), Text("People by area", "各区域人数"),
              Text("Where were people, and how many?", "人在哪里，有多少？"), NO_MINUTES,
              (minutes("max", "max", of_kinds("head_count")),), unit="none", least=0, link=SIGNAL_LINK),
        Panel("frames", "curve", (12, 9), Text("Camera frames", "摄像机帧率"),
              Text("Which camera stopped, and when? Each point is the lowest of its interval.",
                   "哪台摄像机何时停止？每个点取该时段最低值。"), NO_MINUTES,
              (minutes("min", "min", of_kinds("video_fps")),), unit="suffix:fps", least=0, link=SIGNAL_LINK),
        history("alarms", (24, 8), Text("Work and people", "作业与人员告警"),
                Text("Which rules on work, people and hours were broken?", "哪些作业、人员、时段规则被违反？"),
                one_of("condition", "interlock", "headcount", "full", "mismatch", "still", "profile")),
    ))
