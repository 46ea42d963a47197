// The notifiers: is each one handing over, how quickly, to whom; with a test message.
import { ask, post } from "./ask.js";
import { button, dayAndClock, el, shape, table } from "./dom.js";
import { age, pick, say } from "./texts.js";

export function notifierCards(notifiers, people) {
  return notifiers.map((one) => el("article", "", el("div", "what", one.id),
    el("p", "", shape(one.failing ? "cross" : "tick"), " ", say(one.failing ? "failing" : "handsOver"), one.reason.en ? el("b", "line", pick(one.reason)) : null),
    el("p", "", say("pendingNotices", { n: one.pending })),
    one.people.length ? el("div", "wide", table([say("person"), say("delivered"), say("deliveryTime"), say("acknowledgeTime")], one.people.map((figures) => [
      people.get(figures.person) ?? (figures.person || say("notOnePerson")), String(figures.delivered), seconds(figures.delivery_median_s),
      figures.acknowledged ? `${figures.acknowledged} × ${seconds(figures.acknowledge_median_s)}` : "–"]))) : "",
    one.latest.length ? el("details", "", el("summary", "", say("sentLast", { title: one.latest[0].title, time: dayAndClock(one.latest[0].time) })), ...one.latest.map(message)) : "",
    el("div", "act", button(say("testMessage"), () => test(one.id), { look: "quiet", key: `test notifier ${one.id}`, label: `${say("testMessage")}: ${one.id}`, needs: "engineer" }))));
}

// As its reader sees it; link and code to acknowledge are masked: whoever reads this page is somebody else.
const message = ({ time, title, text }) => el("div", "message", el("small", "", dayAndClock(time)), el("b", "line", title), el("p", "", text));

// It is asked for once more: a test message rings somebody's phone.
function test(id) {
  ask({
    title: say("testMessage"), about: [id, say("testRings")], go: say("testSend"), fields: [],
    send: async () => {
      const { said, refused } = await post(`notifiers/${encodeURIComponent(id)}/test`, {});
      return refused ?? (said.taken ? null : pick(said.reason));
    },
  });
}

const seconds = (value) => (value === null ? "–" : value < 10 ? `${value.toFixed(1)} s` : age(value));
