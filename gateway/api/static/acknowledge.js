// Acknowledging one alarm, or several under one name.
import { ask, post } from "./ask.js";
import { el } from "./dom.js";
import { pick, say } from "./texts.js";

const LISTED = 8;

export function acknowledge(alarms, afterwards = () => {}) {
  let left = [...alarms];
  const names = left.slice(0, LISTED).map((alarm) => `P${alarm.priority} ${pick(alarm.name)}`);
  if (left.length > LISTED) names.push(say("andMore", { n: left.length - LISTED }));
  ask({
    title: left.length === 1 ? say("acknowledge") : say("ackMany", { n: left.length }),
    about: names, go: say("acknowledge"),
    fields: [{ name: "name", label: "name", needed: true }, { name: "comment", label: "comment", kind: "lines", most: 500 }],
    send: async ({ name, comment }) => {
      const answers = await Promise.all(left.map((alarm) =>
        post(`alarms/${encodeURIComponent(alarm.id)}/ack`, { name, comment }, say("noAnswer"))));
      const wrong = left.flatMap((alarm, k) => {
        const { said, refused } = answers[k];
        return refused ? [`${pick(alarm.name)}: ${refused}`] : said.recorded ? [] : [`${pick(alarm.name)}: ${say("ackUnrecorded")}`];
      });
      const done = answers.filter(({ said }) => said).length, several = left.length > 1;
      left = left.filter((_, k) => answers[k].refused);
      afterwards();
      if (!wrong.length) return null;
      return [several ? say("ackSome", { done }) : "", ...wrong.map((line) => el("span", "line", line))];
    },
  });
}
