// Every word of the page, once: [English, Chinese]. Names of things come from the gateway as {en, zh}.
const TEXTS = {
  risk: ["Risk level", "风险等级"],
  red: ["major", "重大"],
  orange: ["larger", "较大"],
  yellow: ["general", "一般"],
  blue: ["low", "低"],
  alarms: ["Alarms", "告警"],
  noAlarms: ["No alarm is active or waiting.", "当前无告警。"],
  more: ["Show all {n} alarms", "显示全部 {n} 条告警"],
  cut: ["Only the {n} most urgent of {all} alarms are listed.", "仅列出最紧急的 {n} 条，共 {all} 条告警。"],
  acknowledge: ["Acknowledge", "确认"],
  details: ["Details", "详情"],
  name: ["Your name", "确认人姓名"],
  comment: ["Comment (optional)", "备注（可不填）"],
  unverified: ["The name is recorded as \"unverified\": there are no accounts yet.", "尚无账户管理，姓名将记为“未核实”。"],
  cancel: ["Cancel", "取消"],
  first: ["FIRST OUT", "首发"],
  unrecorded: ["NOT RECORDED", "未记录"],
  limit: ["limit", "限值"],
  value: ["raised at", "触发值"],
  now: ["now {reading}", "当前 {reading}"],
  inContact: ["in contact", "通信正常"],
  riskShort: ["risk", "风险"],
  ago: ["{age} ago", "{age}前"],
  todo: ["What to do", "处置"],
  evidence: ["Evidence", "证据"],
  by: ["acknowledged by {who} (unverified)", "确认人：{who}（未核实）"],
  newAlarm: ["New alarm, priority {p}: {name}", "新告警，优先级 {p}：{name}"],
  ackUnrecorded: ["Acknowledged, but NOT RECORDED: the alarm file can not be written. Keep a written note.", "已确认，但未能记录：告警文件无法写入，请人工记录。"],
  noAnswer: ["The gateway did not answer. The alarm is NOT acknowledged.", "网关无应答，告警未被确认。"],
  gas: ["Gas detection", "气体检测"],
  working: ["{n} of {m} detectors work", "{m} 台探测器中 {n} 台可用"],
  blind: ["BLIND: no detector works", "检测失效：无可用探测器"],
  showAll: ["Show all {n} signals", "显示全部 {n} 个信号"],
  showFew: ["Show only what is not normal", "仅显示异常信号"],
  abnormal: ["{n} not normal", "{n} 个异常"],
  allNormal: ["all {n} normal", "{n} 个信号均正常"],
  never: ["never", "从未"],
  old: ["{age} old", "{age}前的值"],
  devices: ["Devices and sources", "设备与数据源"],
  online: ["{n} of {m} online", "{n}/{m} 在线"],
  offline: ["offline", "离线"],
  contact: ["last contact {age}", "最近通信：{age}"],
  gateway: ["Gateway", "网关"],
  database: ["Database", "数据库"],
  clockBad: ["CLOCK NOT SYNCHRONISED", "时钟未同步"],
  ok: ["in order", "正常"],
  live: ["Live", "实时"],
  connecting: ["Connecting", "正在连接"],
  noLink: ["NO CONNECTION", "连接中断"],
  lost: ["NO CONNECTION TO THE GATEWAY - what you see is OLD", "与网关的连接已中断：页面数据已过时"],
  lostMore: ["Last update {time} ({age} ago). Watch the certified system.", "最后更新 {time}（{age}前）。请盯守认证系统。"],
  broken: ["THE GATEWAY IS NOT WORKING PROPERLY", "网关工作异常"],
  fault: ["This page has failed; what you see is OLD. It loads again by itself.", "页面出错，数据已过时，将自动重新加载。"],
  watch: ["Watch the certified system.", "请盯守认证系统。"],
  learning: ["learning, {n} %", "学习中 {n}%"],
  frozen: ["learning frozen", "学习已冻结"],
  held: ["not learning now", "当前不学习"],
  bypassed: ["BYPASSED", "已旁路"],
  bypassedUntil: ["bypassed until {time}", "旁路至 {time}"],
  bypass: ["Nobody is called for {target} until {time}: {why}", "{target} 在 {time} 之前不通知人员：{why}"],
  bypassBy: ["by {who} (unverified)", "责任人：{who}（未核实）"],
  bypassByTwo: ["by {who}, approved by {approved} (unverified)", "责任人：{who}，批准人：{approved}（未核实）"],
  trend: ["{name}: last 10 minutes", "{name}：最近 10 分钟"],
  language: ["中文", "English"],
};
const UNITS = [[86400, " d", " 天"], [3600, " h", " 小时"], [60, " min", " 分"], [0, " s", " 秒"]];

let index = 0;

export const language = () => (index ? "zh" : "en");
export function speak(code) { index = code === "zh" ? 1 : 0; }
export function say(key, values = {}) {
  return TEXTS[key][index].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
// A {en, zh} of the gateway in the language of the page.
export const pick = (text) => text[language()];
export function age(seconds) {
  if (seconds === null || seconds === undefined) return say("never");
  const [size, ...names] = UNITS.find(([length]) => seconds >= length) ?? UNITS[3];
  return Math.floor(Math.max(0, seconds) / (size || 1)) + names[index];
}
