/* Firstline chat, second part: words, look, small helpers, safe text, the transcript. widget.js loads this file and holds the element. */
(() => {
  const BASE = new URL(document.currentScript.src).origin;

  // --- words ----------------------------------------------------------------------------------------------------------------

  const WORDS = {
    en: { title: "Support", bot: "Automatic assistant", waiting: "A person has been asked", staff: "You are with a person",
      closed: "Closed · write to continue", open: "Open the chat", close: "Close the chat", unread: "new messages", human: "Talk to a person",
      placeholder: "Type your question…", send: "Send", transcript: "Conversation", sources: "Sources", typing: "is writing",
      offline: "No connection. What you write is sent as soon as you are back.", queued: "Will be sent when you are back online",
      failed: "Not sent. Tap to retry", sending: "Sending…", ticket: "Ticket", status: "See its status", newTab: "opens in a new tab",
      assistant: "Assistant", colleague: "Support", foot: "Automatic answers with sources; check what matters",
      busy: "The chat cannot be reached right now. Trying again…",
      long: "A long message: it is sent whole, the assistant reads the first # characters", over: "# characters too many for one message. Please shorten it, or send it in parts",
      held: "Kept, will be sent at #",
      limit: "Too many chats were started from your network, so a new one has to wait. It works again at #. What you write is kept and sent then.",
      instead: "You can also reach us here: #", stranger: "Go on without signing in", kept: "Kept until you choose above",
      mail: "Continue by e-mail", mailWhy: "Answers then come to your mailbox, too, and you can reply there. First we send you a code, to be sure that it is yours.",
      address: "Your e-mail address", sendCode: "Send code", cancel: "Cancel", code: "Six-digit code", confirm: "Confirm", newCode: "Send a new code",
      codeSent: "A code is on its way to #. Enter it here.", newCodeSent: "A new code is on its way. The one before is not valid any more.",
      noAddress: "Please enter your e-mail address.", sixDigits: "The code has six digits.", unreachable: "That did not get through. Please try again.",
      tooMany: "Too many codes were asked for. It works again at #.", own: "Or write to us from your own mail program" },
    zh: { title: "在线客服", bot: "智能助手 · 即时回复", waiting: "已转人工，请稍候", staff: "人工客服为您服务中",
      closed: "会话已结束 · 继续留言即可重新打开", open: "打开客服窗口", close: "关闭客服窗口", unread: "条新消息", human: "转人工",
      placeholder: "输入您的问题…", send: "发送", transcript: "对话内容", sources: "来源", typing: "正在输入",
      offline: "网络已断开。您写的内容会在恢复后自动发送。", queued: "恢复网络后自动发送",
      failed: "未发送，点此重试", sending: "发送中…", ticket: "工单", status: "查看进度", newTab: "在新标签页打开",
      assistant: "智能助手", colleague: "人工客服", foot: "自动回答，均附来源；重要信息请核实",
      busy: "暂时连接不上客服，正在重试…",
      long: "内容较长：会完整发送，智能助手只读前 # 个字", over: "超出单条消息上限 # 个字，请删减或分几条发送",
      held: "已保留，将于 # 自动发送",
      limit: "您所在网络新开的会话过多，暂时不能再开。# 起恢复，您写的内容会保留，届时自动发送。",
      instead: "也可以这样联系我们：#", stranger: "不登录，继续咨询", kept: "已保留，请先在上方选择",
      mail: "转到邮件继续", mailWhy: "之后的回复也会发到您的邮箱，直接回信即可。我们先发一个验证码，确认邮箱是您本人的。",
      address: "您的邮箱地址", sendCode: "发送验证码", cancel: "取消", code: "六位验证码", confirm: "确认", newCode: "重新发送验证码",
      codeSent: "验证码已发往 #，请在此输入。", newCodeSent: "新的验证码已发出，之前的不再有效。",
      noAddress: "请输入您的邮箱地址。", sixDigits: "验证码是六位数字。", unreachable: "没有发送成功，请重试。",
      tooMany: "索取验证码过于频繁，# 起可以再试。", own: "或者用您自己的邮件软件写信给我们" },
  };

  // --- look -----------------------------------------------------------------------------------------------------------------

  const LOOK = `
/* Important, so that a page's own "* { ... !important }" stays outside: among important rules the inner tree wins. */
:host { all: initial !important; position: fixed !important; right: var(--gap) !important; bottom: var(--gap) !important; z-index: 2147483000 !important;
  color: var(--ink) !important; font: 15px/1.55 Inter, system-ui, -apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif !important;
  color-scheme: light dark !important; --gap: 24px;
  --ink: #1b2432; --panel: #fff; --bg: #f5f7fb; --line: #e1e6ed; --muted: #566272; --acc: #0b55b8; --fill: #0b63c5; --chip: #b9d1f3;
  --warn: #7a4a00; --warn-bg: #fff5e2; --bad: #a31818; --code: #eceff3; --top: linear-gradient(135deg, #1d66cf, #0b55b8); }
@media (prefers-color-scheme: dark) { :host { --ink: #e8edf4; --panel: #182130; --bg: #111823; --line: #2a3546; --muted: #a3afc0;
  --acc: #8cc0ff; --chip: #2f5584; --warn: #ffd897; --warn-bg: #3a2c10; --bad: #ffb3b3; --code: #2a3546; --top: linear-gradient(135deg, #174f9f, #0d3f86); } }
* { box-sizing: border-box; font: inherit; color: inherit; }
[hidden] { display: none !important; }
svg { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; flex: none; }
button { cursor: pointer; background: none; border: 0; padding: 0; }
:focus-visible { outline: 3px solid #8dbbff; outline-offset: 2px; }
b { font-weight: 650; } a { color: var(--acc); }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.fab { width: 58px; height: 58px; border-radius: 50%; background: linear-gradient(135deg, #2b7bea, #0b55b8); color: #fff; display: grid; place-items: center;
  margin-left: auto; position: relative; box-shadow: 0 8px 24px rgb(11 85 184 / 35%); }
.badge { position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 99px; background: #c02020; color: #fff;
  font-size: 12px; font-weight: 650; display: grid; place-items: center; box-shadow: 0 0 0 2px var(--panel); }
.panel { width: 384px; max-width: calc(100vw - 24px); height: min(620px, calc(100dvh - 120px)); background: var(--panel); border-radius: 18px; overflow: hidden;
  box-shadow: 0 18px 60px rgb(16 30 60 / 26%), 0 0 0 1px var(--line); display: flex; flex-direction: column; margin-bottom: 14px; animation: up .18s ease-out; }
@keyframes up { from { opacity: 0; transform: translateY(10px); } }
.top { background: var(--top); color: #fff; padding: 14px 12px 14px 18px; display: flex; align-items: center; gap: 11px; }
.logo { width: 38px; height: 38px; border-radius: 50%; background: rgb(255 255 255 / 18%); display: grid; place-items: center; flex: none; }
.names { min-width: 0; flex: 1; } h2 { margin: 0; font-size: 16px; font-weight: 650; line-height: 1.35; }
.names p { margin: 0; font-size: 12.5px; color: #e3edfc; line-height: 1.35; }
.human { border: 1px solid rgb(255 255 255 / 55%); border-radius: 99px; padding: 5px 12px; font-size: 13px; font-weight: 550; white-space: nowrap; }
.human:hover, .x:hover { background: rgb(255 255 255 / 16%); } .x { padding: 8px; border-radius: 9px; display: grid; }
.note { background: var(--warn-bg); color: var(--warn); font-size: 13px; padding: 7px 16px; margin: 0; }
.log { flex: 1; min-height: 0; overflow: auto; padding: 16px; background: var(--bg); display: flex; flex-direction: column; gap: 10px; overscroll-behavior: contain; }
.m { max-width: 86%; align-self: flex-start; }
.who { font-size: 12px; color: var(--muted); margin: 0 0 2px 2px; }
.bub { padding: 9px 13px; border-radius: 4px 14px 14px 14px; background: var(--panel); border: 1px solid var(--line); overflow-wrap: anywhere; width: fit-content; max-width: 100%; }
.bub :is(p, ol, ul) { margin: 0; } .bub > * + :is(p, ol, ul, div) { margin-top: 8px; } .bub :is(ol, ul) { padding-left: 22px; } .bub li + li { margin-top: 3px; }
.m:has(table) { max-width: 100%; } .tbl { overflow-x: auto; overflow-wrap: normal; } .bub table { border-collapse: collapse; font-size: .92em; }
.bub :is(th, td) { border: 1px solid var(--line); padding: 3px 8px; text-align: left; vertical-align: top; min-width: 7.5em; } .bub th { font-weight: 600; } em { font-style: italic; }
.bub .nb, td code { white-space: nowrap; } .bub :is(th, td).nb { min-width: 0; } .bub li > :is(ol, ul) { margin-top: 3px; }
.bub code { background: var(--code); border-radius: 4px; padding: 0 4px; font-family: ui-monospace, Consolas, monospace; font-size: .92em; }
.me { align-self: flex-end; } .me .bub { background: var(--fill); border-color: var(--fill); color: #fff; border-radius: 14px 4px 14px 14px; margin-left: auto; white-space: pre-wrap; }
.me.pending .bub { opacity: .75; } .state { display: block; font-size: 12px; color: var(--muted); margin: 3px 2px 0 auto; width: fit-content; }
button.state { color: var(--bad); text-decoration: underline; }
.src { font-size: 12.5px; color: var(--muted); border-top: 1px solid var(--line); padding-top: 6px; }
.src ol, .bub .src ol { list-style: none; padding: 0; margin: 2px 0 0; } .bub .src li { margin: 0; } .src li { display: flex; gap: 6px; padding: 1px 0; } .n { font-variant-numeric: tabular-nums; white-space: nowrap; }
sup { line-height: 0; vertical-align: super; font-size: 11px; font-weight: 600; padding: 0 2px; } sup a { text-decoration: none; }
.sys { align-self: center; text-align: center; font-size: 12.5px; color: var(--warn); background: var(--warn-bg); border-radius: 12px; padding: 4px 14px; max-width: 94%; }
.sys p { margin: 0; } .sys button { color: var(--acc); text-decoration: underline; font-weight: 600; min-height: 24px; }
.card { align-self: stretch; background: var(--panel); border: 1px solid var(--line); border-left: 4px solid var(--fill); border-radius: 10px; padding: 10px 14px; font-size: 14px; }
.card p { margin: 0; } .card b { font-size: 15px; } .card.urgent { border-left-color: #c02020; } .card a { display: inline-block; margin-top: 4px; font-weight: 550; }
.q { display: flex; flex-wrap: wrap; gap: 6px; } .q button { border: 1px solid var(--chip); background: var(--panel); color: var(--acc); border-radius: 16px; padding: 5px 13px; font-size: 13.5px; text-align: left; }
.q button:hover { border-color: var(--acc); }
.dots { display: flex; gap: 4px; padding: 4px 6px; } .dots i { width: 6px; height: 6px; border-radius: 50%; background: #8795a8; animation: dot 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; } @keyframes dot { 50% { opacity: .25; } }
form { display: flex; gap: 8px; padding: 12px 12px 4px; border-top: 1px solid var(--line); align-items: flex-end; }
textarea { flex: 1; min-width: 0; resize: none; border: 1px solid #8795a8; border-radius: 12px; padding: 9px 12px; height: 43px; min-height: 43px; max-height: 112px; field-sizing: content; background: var(--panel); outline-offset: 0; }
textarea::placeholder { color: var(--muted); opacity: 1; } textarea:focus { outline: 0; border-color: var(--fill); box-shadow: 0 0 0 3px rgb(11 99 197 / 22%); }
@supports (field-sizing: content) { textarea { height: auto; } }
.go { width: 43px; height: 43px; border-radius: 12px; background: var(--fill); color: #fff; display: grid; place-items: center; }
.foot { display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: 0 12px; font-size: 11.5px; color: var(--muted); padding: 0 12px 9px; margin: 0; text-align: center; } .count { color: var(--warn); font-weight: 600; }
.foot:has(.count:not([hidden])) span:first-child { display: none; }
@media (max-width: 480px), (max-height: 520px) { :host { --gap: 12px; } .panel { width: min(460px, calc(100vw - 24px)); height: calc(100dvh - 24px); margin: 0; } .panel:not([hidden]) + .fab { display: none; } }
@media (max-width: 400px) { .logo { display: none; } }
@media (max-height: 520px) { .top { padding: 6px 8px 6px 12px; } .logo, .foot span:first-child { display: none; } .log { padding: 10px 12px; } form { padding-top: 8px; } }
@media (prefers-reduced-motion: reduce) { .panel, .dots i { animation: none; } }`;

  const ICONS = {
    chat: ["M8 9h8", "M8 13h6", "M18 4a3 3 0 0 1 3 3v8a3 3 0 0 1-3 3h-5l-5 3v-3H6a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3z"],
    x: ["M18 6 6 18", "M6 6l12 12"],
    send: ["M10 14 21 3", "M21 3l-6.500 18a.55.55 0 0 1-1 0L10 14l-7-3.500a.55.55 0 0 1 0-1z"],
    spark: ["M16 18a2 2 0 0 1 2 2 2 2 0 0 1 2-2 2 2 0 0 1-2-2 2 2 0 0 1-2 2z", "M16 6a2 2 0 0 1 2 2 2 2 0 0 1 2-2 2 2 0 0 1-2-2 2 2 0 0 1-2 2z",
      "M9 18a6 6 0 0 1 6-6 6 6 0 0 1-6-6 6 6 0 0 1-6 6 6 6 0 0 1 6 6z"],
  };

  // --- small helpers ---------------------------------------------------------------------------------------------------

  /** An element: attributes by name, "onclick" and the like as listeners, null and false left out. */
  function h(tag, props, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) {
      if (value == null || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child != null));
    return element;
  }

  function icon(name, size) {
    const make = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    const svg = make("svg");
    for (const [key, value] of [["viewBox", "0 0 24 24"], ["width", size], ["height", size], ["aria-hidden", "true"]]) svg.setAttribute(key, value);
    for (const d of ICONS[name]) svg.appendChild(make("path")).setAttribute("d", d);
    return svg;
  }

  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const backoff = (attempt) => Math.min(30000, 1000 * 2 ** attempt) * (0.7 + Math.random() * 0.6);
  const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const htmlLang = (lang) => (lang === "zh" ? "zh-CN" : lang || null);

  /** An address of ours or of the web; anything that could run (javascript:, data:) is no address. */
  function safeUrl(url) {
    try {
      const parsed = new URL(url, BASE);
      return url && /^https?:$/.test(parsed.protocol) ? parsed.href : null;
    } catch { return null; }
  }

  /** Whom a user token speaks of, "" for none. Only to see whether it is still the same person: the server alone believes a token. */
  function subjectOf(token) {
    try {
      const bytes = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
      return String(JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (sign) => sign.charCodeAt(0)))).sub ?? "").trim();
    } catch { return ""; }
  }

  /** Whether a key belongs to an input method. 229: Safari ends a Chinese or Japanese composition before the Enter that confirmed it. */
  const composes = (event) => event.isComposing || event.keyCode === 229;

  function chosenLang(wish) {
    const lang = !wish || wish === "auto" ? document.documentElement.lang || navigator.language : wish;
    return /^zh/i.test(lang) ? "zh" : "en";
  }

  /** One server-sent event: its name, its value, its id. */
  function readEvent(text) {
    const lines = text.split(/\r\n|\r|\n/);
    const field = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, "")).join("\n");
    const data = field("data");
    return { name: data && field("event"), value: data && JSON.parse(data), id: field("id") };
  }

  const fill = (words, value) => words.replace("#", () => value.toLocaleString());
  const clock = (at, lang) => new Date(at + 59999).toLocaleTimeString(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

  // --- what was said, and what stands under it: t are the words ---------------------------------------------------------

  function message(turn, mine, t) {
    const cited = turn.citations ?? [];
    const body = mine ? [turn.text] : rich(spoken(turn), cited);
    const sources = cited.length ? h("div", { class: "src" }, h("span", null, t.sources), h("ol", null, ...cited.map((source) => sourceItem(source, t)))) : null;
    const who = mine ? null : turn.author_name || (turn.author === "staff" ? t.colleague : t.assistant);
    return h("div", { class: mine ? "m me" : "m" }, who && h("p", { class: "who" }, who), h("div", { class: "bub", lang: htmlLang(turn.lang) }, ...body, sources));
  }

  /** A reply without the receipt it ends in: the ticket's card, right below, says the same. */
  function spoken({ text, ticket }) {
    const cut = ticket ? text.lastIndexOf("\n\n") : -1;
    return cut > 0 && text.includes(ticket.name, cut) ? text.slice(0, cut) : text;
  }

  function sourceItem({ n, title, section, url, quote }, t) {
    const label = section ? `${title} › ${section}` : title, href = safeUrl(url);
    return h("li", null, h("span", { class: "n" }, `${n}.`), href
      ? h("a", { href, target: "_blank", rel: "noopener", title: quote || null }, label, h("span", { class: "sr" }, ` (${t.newTab})`))
      : h("span", { title: quote || null }, label));
  }

  function ticketCard(ticket, t) {
    const href = safeUrl(ticket.url);
    return h("div", { class: `card ${ticket.urgency === "urgent" ? "urgent" : ""}` }, h("p", null, h("b", null, `${t.ticket} ${ticket.name}`), ticket.urgency_name ? ` · ${ticket.urgency_name}` : null),
      ticket.promise ? h("p", null, ticket.promise) : null, href && h("a", { href, target: "_blank", rel: "noopener" }, t.status));
  }

  // --- safe text: **bold**, *emphasis*, `code`, [1], lists within lists, tables, line breaks ------------------------------------

  /** Text whose codes and names (PRN-21, HS-Print) stay in one piece: browsers break after a hyphen. */
  function pieces(text) {
    const nodes = [];
    let from = 0;
    for (const { 0: word, index } of text.matchAll(/[A-Za-z0-9]+(?:[-/][A-Za-z0-9]+)+/g)) {
      if (word.length > 24 || !/\d|.[A-Z]/.test(word)) continue; // "month-end" may be broken, "Wi-Fi" not
      nodes.push(text.slice(from, index), h("span", { class: "nb" }, word));
      from = index + word.length;
    }
    return [...nodes, text.slice(from)];
  }

  function inline(text, citations) {
    const nodes = [];
    let from = 0;
    for (const match of text.matchAll(/\*\*(.+?)\*\*|\*([^*\s](?:[^*]*[^*\s])?)\*|`([^`]+)`|\[(\d{1,2})\]/g)) {
      const [whole, bold, stressed, code, number] = match;
      const source = number && citations.find((citation) => String(citation.n) === number);
      const url = source && safeUrl(source.url);
      if (number && !source) continue; // some other bracketed number
      nodes.push(...pieces(text.slice(from, match.index)));
      nodes.push(bold ? h("b", null, ...pieces(bold)) : stressed ? h("em", null, ...pieces(stressed)) : code ? h("code", null, code)
        : h("sup", null, url ? h("a", { href: url, target: "_blank", rel: "noopener", title: source.title }, number) : number));
      from = match.index + whole.length;
    }
    return [...nodes, ...pieces(text.slice(from))];
  }

  /** A cell whose few words stay on one line; of wide signs (Chinese) half as many are few. */
  const isShort = (cell) => [...cell].reduce((sum, sign) => sum + (sign > "\u2e80" ? 2 : 1), 0) <= 16;

  function row(table, cells, citations) {
    const tag = table.rows.length || !cells.some(Boolean) ? "td" : "th";
    table.append(h("tr", null, ...cells.map((cell) => h(tag, isShort(cell) && { class: "nb" }, ...inline(cell, citations)))));
  }

  /** Put an item beside its neighbours, or into the item it is indented under. levels: the open lists, outermost first. */
  function place(levels, blocks, indent, number, nodes) {
    const tag = number ? "ol" : "ul";
    while (levels.length > 1 && indent < levels.at(-1).indent) levels.pop();
    const deeper = levels.length && indent > levels.at(-1).indent + 1;
    if (!deeper && levels.at(-1)?.list.localName !== tag) levels.pop();
    if (deeper || levels.at(-1)?.list.localName !== tag || indent > levels.at(-1).indent + 1) {
      const list = h(tag, number && { start: number }), above = levels.at(-1)?.list.lastElementChild;
      above ? above.append(list) : blocks.push(list);
      levels.push({ list, indent });
    }
    levels.at(-1).list.append(h("li", null, ...nodes));
  }

  function rich(text, citations = []) {
    const blocks = [];
    let levels = [], gap = true; // the lists that are open here; whether a blank line came before
    for (const line of text.split("\n")) {
      if (!line.trim()) { gap = true; continue; }
      const [, blanks, bullet, number, words] = /^(\s*)(?:([-*•])\s+|(\d+)[.)、]\s+)?(.*)$/.exec(line);
      const indent = blanks.replaceAll("\t", "    ").length, nodes = () => inline(words, citations);
      const last = blocks.at(-1);
      if (/^\s*\|.*\|\s*$/.test(line)) {
        const cells = line.trim().slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
        if (!last?.matches(".tbl") || gap) blocks.push(h("div", { class: "tbl", tabindex: "0" }, h("table")));
        if (!cells.every((cell) => /^:?-+:?$/.test(cell))) row(blocks.at(-1).firstChild, cells, citations); // else the line under a table's head
        levels = [];
      } else if (bullet || number) place(levels, blocks, indent, number, nodes());
      else if (levels.length && indent > 1) levels.at(-1).list.lastElementChild.append(h("br"), ...nodes()); // an item's second line
      else {
        if (last?.localName === "p" && !gap) last.append(h("br"), ...nodes());
        else blocks.push(h("p", null, ...nodes()));
        levels = [];
      }
      gap = false;
    }
    return blocks;
  }

  // --- the transcript: the element's lower half ----------------------------------------------------------------------------

  /** Turns, drafts and typing on screen. Of the element above it needs log, store, t, and send, settle, reveal, markSeen. */
  class Transcript extends HTMLElement {
    /** Put a turn where its number belongs; turns that are still being sent stay at the end. */
    place(element, seq) {
      const after = [...this.log.children].find((other) => !other.dataset.seq || Number(other.dataset.seq) > seq);
      element.dataset.seq = seq;
      this.log.insertBefore(element, after ?? null);
    }

    greet() {
      if (!this.store.greeting || this.log.querySelector("[data-seq='0']")) return;
      this.place(h("div", { class: "m", lang: this.lang }, h("div", { class: "bub" }, ...rich(this.store.greeting.text))), 0);
      if (!this.seq && !this.store.queue.length) this.offer(this.store.greeting.quick);
    }

    showTurn(turn) {
      if (this.shown.has(turn.id)) return;
      this.shown.add(turn.id);
      this.seq = Math.max(this.seq, turn.seq);
      const mine = turn.author === "customer";
      const follows = mine || this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 200; // else one reads further up
      if (mine) { this.settle(turn.client_id); this.showTyping(null); } // stored with its reply, if any: the thinking is over
      else this.clearDrafts();
      const element = mine || turn.author !== "system" ? message(turn, mine, this.t) : h("div", { class: "sys", lang: htmlLang(turn.lang) }, ...rich(turn.text));
      this.place(element, turn.seq);
      if (turn.ticket) this.place(ticketCard(turn.ticket, this.t), turn.seq);
      this.offer(turn.quick_replies ?? []);
      this.mail.update();
      if (follows) this.reveal(element);
      this.markSeen();
    }

    offer(replies) {
      this.log.querySelector(".q")?.remove();
      if (!replies.length) return;
      this.log.append(h("div", { class: "q", "data-seq": this.seq }, ...replies.map(({ label, action }) => h("button", { type: "button", onclick: () => this.send(label, action) }, label))));
    }

    showDelta({ draft, text }) {
      this.showTyping(null);
      let element = this.log.querySelector(`[data-draft="${CSS.escape(draft)}"]`);
      // The draft is silent for screen readers; the finished turn that takes its place is read out once.
      if (!element) this.log.append((element = h("div", { class: "m", "data-draft": draft, "aria-live": "off" }, h("div", { class: "bub" }))));
      element.text = (element.text ?? "") + text;
      element.firstChild.replaceChildren(...rich(element.text));
      this.reveal(element);
    }

    clearDrafts() {
      this.showTyping(null);
      for (const draft of this.log.querySelectorAll("[data-draft]")) draft.remove();
    }

    showTyping(who) {
      clearTimeout(this.typingTimer);
      this.dots?.remove();
      if (who == null) return;
      this.dots = h("div", { class: "m", "aria-live": "off" }, h("div", { class: "bub" }, h("span", { class: "sr" }, `${who || this.t.assistant} ${this.t.typing}`),
        h("div", { class: "dots" }, h("i"), h("i"), h("i"))));
      this.log.append(this.dots);
      this.toEnd();
      this.typingTimer = setTimeout(() => this.showTyping(null), TYPING_MS);
    }

    showState(state) {
      this.state = state;
      this.sub.textContent = this.t[state] ?? this.t.bot;
    }
  }

  globalThis.FirstlineChatParts = Object.freeze({ WORDS, LOOK, Transcript, h, icon, rich, readEvent, fill, clock, chosenLang, subjectOf, composes, htmlLang, newId, sleep, backoff });
})();
