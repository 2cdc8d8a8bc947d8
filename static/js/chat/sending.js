import { call } from "./api.js";
import { Composer } from "./composer.js";
import { isDoubtful } from "./connection.js";
import { Draft } from "./draft.js";
import { LIMIT, Outbox } from "./outbox.js";
import { Permits, tokens } from "./permits.js";
import { quota } from "./state.js";

const ACTIVE = 120_000; // somebody who did something within this may soon send

/**
 * Writing, and what becomes of it: composer, permits, outbox, stop and try again. Gives the deeds of its buttons.
 * `focus(key)` moves the focus to a message.
 */
export function mount({ store, net, talk, start, words, say, focus, toast }) {
  const { id } = start.conversation;
  let acted = -Infinity;
  let said = store.words;

  /* She answers no more: a line stands where one wrote. */
  function retired() {
    if (talk.dataset.retired === undefined) say(words.retiredSaid);
    talk.dataset.retired = "";
  }

  const token = tokens(talk.querySelector("[data-check]"));
  const checked = () =>
    token().catch((error) => {
      throw net.is === "down" ? error : Object.assign(error, { name: "CheckFailed" }); // offline nothing can be checked
    });
  const permits = new Permits({
    wanted: () => !document.hidden && performance.now() - acted < ACTIVE,
    mint: async () => {
      const answer = await call("/chat/permits/", { token: await checked(), scope: start.permit_scope });
      if (!answer.ok) throw Object.assign(new Error("no permit"), { answer });
      return { ...answer.body, lasts: Date.parse(answer.body.expires_at) - answer.date };
    },
  });

  const outbox = new Outbox({
    conversation: id,
    items: () => store.state.outbox,
    tell: (frame) => store.tell(frame),
    async deliver({ text, client_id }, again) {
      if (again) permits.discard();
      let answer;
      try {
        answer = await call("messages/", { text, client_id, permit: await permits.take() });
      } catch (error) {
        if (!error.answer) throw error;
        answer = error.answer; // what is said to the permit is said to the message
      }
      if (isDoubtful(answer) && answer.code !== "sign_in_required") await net.doubt();
      return answer;
    },
    giveBack(texts) {
      composer.write([...texts, composer.text].filter(Boolean).join("\n"));
      net.refresh();
    },
    held: () => store.writing && store.words !== "",
    elsewhere: (text) => composer.sent(text),
    signedOut: () => net.doubt(),
    retired,
  });

  const composer = new Composer(talk, {
    draft: new Draft(id),
    most: start.message_max,
    sends: start.enter_sends,
    send(text) {
      acted = performance.now();
      if (net.is === "signed-out") return false;
      if (!outbox.add(text)) {
        toast(words.full.replace("{n}", LIMIT), "circle-alert");
        return false;
      }
      return true;
    },
    async stop() {
      if (!store.writing) return;
      const seen = store.words.length;
      store.tell({ type: "stop", seen });
      const answer = await net.ask("stop/", { seen });
      if (!answer?.ok) store.tell({ type: "unstop" });
      else if (answer.body.reply) store.tell({ type: "reply", reply: answer.body.reply });
    },
    warm() {
      acted = performance.now();
      permits.warm();
    },
  });

  store.subscribe((state, before) => {
    if (state.outbox !== before.outbox) {
      const left = new Set(state.outbox.map((item) => item.client_id));
      for (const { client_id } of before.outbox) if (!left.has(client_id)) outbox.forget(client_id);
    }
    const { words: now } = store;
    if (said && !now) outbox.go(); // what was held goes
    said = now;
  });
  net.subscribe((is, was) => (is === "open" || (is === "polling" && was !== "open")) && outbox.go());
  store.draws(() => {
    const { kind, left } = quota(store.state, start.quota_low);
    composer.show({ writing: store.writing, spent: !["premium", "care"].includes(kind) && left <= 0 });
  });
  talk.querySelector("[data-go-on]").addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await net.ask("go-on/", {});
    if (!answer?.ok) return toast(words.sorry, "circle-alert");
    store.tell({ type: "sent", ...answer.body });
    composer.input.focus();
  });
  addEventListener("storage", (event) => outbox.stored(event.key, event.newValue));
  outbox.load();
  if (!document.hidden) permits.warm();
  if (start.draft && !composer.text.includes(start.draft.trim())) composer.write(start.draft + composer.text);
  if (start.starter) composer.say(start.starter, quota(store.state, start.quota_low).kind === "out");

  const unsent = (button) => button.closest("li").dataset.client;
  const resend = (button) => {
    outbox.retry(unsent(button));
    focus(unsent(button));
  };
  return {
    composer,
    deeds: {
      resend,
      check(button) {
        permits.discard();
        for (const { client_id, status } of store.state.outbox) if (status === "unchecked") outbox.retry(client_id);
        focus(unsent(button));
      },
      unsend(button) {
        outbox.drop(unsent(button));
        focus();
      },
      async retry() {
        const answer = await net.ask("retry/", {});
        if (answer?.ok) store.tell({ type: "sent", ...answer.body });
        else if (answer) net.refresh();
        if (answer?.code === "character_retired") retired();
        else if (!answer || answer.status === 429) toast(words.sorry, "circle-alert");
        focus(store.state.messages.findLast((m) => m.sender === "user")?.id);
      },
      starter(button) {
        composer.say(button.textContent.trim());
        focus(); // the button goes; a phone's keyboard is not called for
        if (matchMedia("(pointer: fine)").matches) composer.input.focus();
      },
    },
  };
}
