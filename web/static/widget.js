/* Firstline chat: <script src="https://desk.example/static/widget.js" data-lang="auto" defer></script>
 * One custom element in a shadow root, no dependency. What a server or a person says reaches the page as text nodes only.
 * Order: the element (panel > transcript > sending > live connection), then how it comes into the page. Words, look and
 * safe text are in widget-parts.js, which this file loads by a script element: that needs no CORS on static files. */
(() => {
  const SCRIPT = document.currentScript;
  const BASE = new URL(SCRIPT.src).origin;
  const KEY = `firstline.chat:${BASE}`;
  const SILENCE_MS = 60000, TYPING_MS = 20000, TRIES = 3, PAGE = 500;

  const define = ({ WORDS, LOOK, h, icon, rich, message, ticketCard, readEvent, fill, clock, chosenLang, htmlLang, newId, sleep, backoff }) => {
    class FirstlineChat extends HTMLElement {
      connectedCallback() {
        if (this.shadowRoot) return;
        this.ui = chosenLang(this.dataset.lang);
        this.t = WORDS[this.ui];
        this.lang = htmlLang(this.ui);
        this.shown = new Set(); // ids of turns on screen
        this.seq = 0;
        this.attempt = 0;
        this.until = 0; // when a new conversation may begin again, where too many were begun
        try { this.store = JSON.parse(localStorage.getItem(KEY)); } catch { /* storage is off: lasts as long as the page */ }
        this.store = { session: "", event: "", seen: 0, open: false, greeting: null, queue: [], max: 100000, reads: 4000, ...this.store };
        this.store.queue = this.store.queue.filter((item) => !item.sent); // the server has those: they come back as turns
        this.build();
        if (this.store.session) this.connect();
        if (this.store.open && this.store.session) this.open(false);
        addEventListener("online", () => this.wake());
        addEventListener("offline", () => this.showOffline(true));
        document.addEventListener("visibilitychange", () => (document.hidden ? this.stream?.abort() : this.wake()));
      }

      save() { try { localStorage.setItem(KEY, JSON.stringify(this.store)); } catch { /* see above */ } }

      build() {
        const { t } = this;
        const root = this.attachShadow({ mode: "open" });
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(LOOK);
        root.adoptedStyleSheets = [sheet];
        this.sub = h("p", null, t.bot);
        this.notice = h("p", { class: "note", role: "status", hidden: true });
        this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": t.transcript, tabindex: "0" });
        this.input = h("textarea", { rows: 1, "aria-label": t.placeholder, placeholder: t.placeholder, enterkeyhint: "send",
          onkeydown: (event) => this.onKey(event), oninput: () => this.count() });
        this.counter = h("span", { class: "count", role: "status", hidden: true });
        const form = h("form", { onsubmit: (event) => { event.preventDefault(); this.submit(); } }, this.input,
          h("button", { class: "go", "aria-label": t.send }, icon("send", 20)));
        this.panel = h("div", { class: "panel", role: "dialog", "aria-label": t.title, hidden: true, onkeydown: (event) => { if (event.key === "Escape") this.close(); } },
          h("div", { class: "top" }, h("span", { class: "logo" }, icon("spark", 22)), h("div", { class: "names" }, h("h2", null, t.title), this.sub),
            h("button", { class: "human", type: "button", onclick: () => this.send(t.human, "human") }, t.human),
            h("button", { class: "x", type: "button", "aria-label": t.close, onclick: () => this.close() }, icon("x", 20))),
          this.notice, this.log, form, h("p", { class: "foot" }, h("span", null, t.foot), this.counter));
        this.badge = h("span", { class: "badge", hidden: true });
        this.fab = h("button", { class: "fab", type: "button", "aria-label": t.open, "aria-expanded": "false",
          onclick: () => (this.panel.hidden ? this.open() : this.close()) }, icon("chat", 28), this.badge);
        root.append(this.panel, this.fab);
      }

      open(focus = true) {
        this.panel.hidden = false;
        this.fab.setAttribute("aria-expanded", "true");
        this.fab.setAttribute("aria-label", this.t.close);
        this.store.open = true;
        this.markSeen();
        this.toEnd();
        if (focus) this.input.focus();
        if (!this.store.session) this.start().catch(() => this.trouble()).then(() => this.connect());
      }

      close() {
        this.panel.hidden = true;
        this.fab.setAttribute("aria-expanded", "false");
        this.fab.setAttribute("aria-label", this.t.open);
        this.store.open = false;
        this.save();
        this.fab.focus();
      }

      ask(text) { this.open(); this.send(text); }

      onKey(event) {
        // keyCode 229: Safari ends a Chinese or Japanese composition before the Enter that confirmed it.
        if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
        event.preventDefault();
        this.submit();
      }

      submit() {
        const text = this.input.value.trim();
        if (!text || text.length > this.store.max) return this.count();
        this.input.value = "";
        this.count();
        this.send(text);
      }

      /** What will not all be read, or does not fit, is said while it is written; nothing is ever cut. */
      count() {
        const { length } = this.input.value, { max, reads } = this.store;
        this.counter.textContent = length > max ? fill(this.t.over, length - max) : length > reads ? fill(this.t.long, reads) : "";
        this.counter.hidden = length <= reads;
      }

      say(text) { this.notice.textContent = text; this.notice.hidden = !text; }
      showOffline(off) { this.say(off ? this.t.offline : ""); this.refreshQueue(); }
      toEnd() { this.log.scrollTop = this.log.scrollHeight; }
      /** Show the end of the conversation, or the start of its last message when that is taller than the window. */
      reveal(element) { this.log.scrollTop = Math.min(this.log.scrollHeight, element.offsetTop - this.log.offsetTop - 12); }

      markSeen() {
        if (!this.panel.hidden) this.store.seen = this.seq;
        const unread = [...this.log.querySelectorAll(".m:not(.me), .sys")].filter((element) => Number(element.dataset.seq) > this.store.seen).length;
        this.badge.hidden = !unread;
        this.badge.replaceChildren(String(unread), h("span", { class: "sr" }, ` ${this.t.unread}`));
        this.fab.setAttribute("aria-label", this.panel.hidden ? this.t.open + (unread ? ` (${unread} ${this.t.unread})` : "") : this.t.close);
        this.save();
      }

      // transcript

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

      // sending: what is written is kept until the server has it, and carries one id however often it is tried

      send(text, action = "") {
        if (text.length > this.store.max) { // of a script or the page: it waits in the box, whole
          this.input.value = text;
          return this.count();
        }
        const item = { client_id: newId(), text, action, product: (this.dataset.product ?? "").slice(0, 100) };
        this.store.queue.push(item);
        this.save();
        this.log.querySelector(".q")?.remove();
        this.refreshQueue();
        this.toEnd();
        this.pump();
      }

      refreshQueue() {
        for (const old of this.log.querySelectorAll("[data-client]")) old.remove();
        for (const item of this.store.queue) {
          const state = item.sent ? null : item.failed ? h("button", { class: "state", type: "button", title: item.failed, onclick: () => this.retry(item) }, this.t.failed)
            : h("span", { class: "state", role: "status" }, this.isLimited ? fill(this.t.held, clock(this.until, this.lang)) : navigator.onLine ? this.t.sending : this.t.queued);
          this.log.append(h("div", { class: item.sent ? "m me" : "m me pending", "data-client": item.client_id }, h("div", { class: "bub" }, item.text), state));
        }
        if (this.store.queue.length) this.toEnd();
      }

      retry(item) { item.failed = ""; item.tries = 0; this.refreshQueue(); this.pump(); }

      /** The server has the message: it leaves the queue, and its place on screen goes to the turn that follows. */
      settle(clientId) {
        this.store.queue = this.store.queue.filter((item) => item.client_id !== clientId);
        this.save();
        this.log.querySelector(`[data-client="${CSS.escape(clientId ?? "")}"]`)?.remove();
      }

      async pump() {
        if (this.pumping) return;
        this.pumping = true;
        try {
          for (let item; (item = this.store.queue.find((queued) => !queued.failed && !queued.sent)); ) await this.deliver(item);
        } catch { // no network: keep the queue, try later
          setTimeout(() => this.pump(), backoff(this.attempt++));
          this.showOffline(!navigator.onLine);
        } finally { this.pumping = false; }
      }

      async deliver(item) {
        if (!this.store.session) await this.start();
        const response = await this.api("messages", { client_id: item.client_id, text: item.text, action: item.action, product: item.product ?? "" });
        if (response.ok) {
          item.sent = true; // its turn comes over the live connection
          this.say("");
          this.refreshQueue();
          if ((this.state ?? "bot") === "bot") this.showTyping("");
          this.connect();
          return;
        }
        const problem = await response.json().catch(() => ({}));
        const wait = Number(response.headers.get("Retry-After"));
        item.tries = (item.tries ?? 0) + 1;
        if (response.status === 429 || (response.status >= 500 && item.tries < TRIES)) {
          if (problem.detail) this.say(problem.detail);
          await sleep(wait ? wait * 1000 : backoff(item.tries));
          return this.say("");
        }
        item.failed = problem.detail || this.t.failed;
        if (problem.detail) this.say(problem.detail);
        this.save();
        this.refreshQueue();
      }

      // live connection

      async api(path, body, again = true) {
        const { session } = this.store;
        const headers = { ...(session && { Authorization: `Bearer ${session}` }), ...(body && { "Content-Type": "application/json" }) };
        const response = await fetch(`${BASE}/api/v1/chat/${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store" });
        if (response.status !== 401 || !again) return response;
        if (this.store.session === session) await this.restart(); // else another request has done it meanwhile
        return this.api(path, body, false);
      }

      get isLimited() { return Date.now() < this.until; }

      /** Too many conversations from this network: what happened, when it works again, and another way if the page names one. */
      limited(seconds) {
        this.until = Date.now() + seconds * 1000;
        const contact = this.dataset.contact && h("p", null, fill(this.t.instead, this.dataset.contact));
        this.log.querySelector("[data-limit]")?.remove();
        this.log.prepend(h("div", { class: "sys", "data-limit": "", lang: this.lang }, h("p", null, fill(this.t.limit, clock(this.until, this.lang))), contact || null));
        this.refreshQueue();
      }

      /** Why nothing comes is said; where a limit is the reason, that stands in the conversation already. */
      trouble() { this.say(this.isLimited ? "" : this.t.busy); }

      start() {
        if (this.isLimited) return Promise.reject(new Error("limit"));
        this.starting ??= this.api("sessions", { lang: this.ui, page: location.origin + location.pathname }, false).then(async (response) => {
          if (response.status === 429) this.limited(Number(response.headers.get("Retry-After")) || 60);
          if (!response.ok) throw new Error(`session: ${response.status}`);
          const { session, greeting, quick_replies: quick, max_chars: max, read_chars: reads } = await response.json();
          Object.assign(this.store, { session, event: "", seen: 0, greeting: { text: greeting, quick: quick ?? [] }, max, reads });
          this.save();
          this.log.querySelector("[data-limit]")?.remove();
          this.greet();
        }).finally(() => { this.starting = null; });
        return this.starting;
      }

      /** The session has ended on the server: begin again without a word; what was not delivered goes to the new one. */
      restart() {
        this.shown.clear();
        this.seq = 0;
        this.store.session = "";
        this.stream?.abort();
        for (const item of this.store.queue) item.sent = false;
        this.log.replaceChildren();
        this.refreshQueue();
        return this.start().then(() => this.wakeUp?.());
      }

      wake() { this.attempt = 0; this.showOffline(false); this.pump(); this.connect(); this.wakeUp?.(); }

      async connect() {
        if (this.connected) return;
        this.connected = true;
        this.refreshQueue();
        while (this.isConnected) {
          try {
            if (!this.store.session) await this.start();
            await this.catchUp();
            await this.listen();
            this.attempt = 0;
          } catch {
            this.showOffline(!navigator.onLine);
            if (navigator.onLine && !document.hidden && this.attempt > 1) this.trouble();
          }
          await Promise.race([sleep(document.hidden ? 3600000 : backoff(this.attempt++)), new Promise((resolve) => { this.wakeUp = resolve; })]);
        }
        this.connected = false;
      }

      /** Read the turns this page has not seen, however long it was away; live events continue from there. */
      async catchUp() {
        for (let more = true; more; ) {
          const response = await this.api(`turns?after=${this.seq}`);
          if (!response.ok) throw new Error(`turns: ${response.status}`);
          const { turns, state, last_event_id: event } = await response.json();
          this.greet();
          turns.forEach((turn) => this.showTurn(turn));
          this.showState(state);
          this.store.event = event;
          more = turns.length >= PAGE;
        }
        this.showOffline(false);
        this.save();
      }

      async listen() {
        this.stream = new AbortController();
        let silence;
        const alive = () => { clearTimeout(silence); silence = setTimeout(() => this.stream.abort(), SILENCE_MS); };
        try {
          const response = await fetch(`${BASE}/api/v1/chat/events`, { credentials: "omit", cache: "no-store", signal: this.stream.signal,
            headers: { Authorization: `Bearer ${this.store.session}`, Accept: "text/event-stream", "Last-Event-ID": this.store.event } });
          if (response.status === 401) return await this.restart();
          if (!response.ok) throw new Error(`events: ${response.status}`);
          this.attempt = 0;
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          for (let rest = ""; ; ) {
            alive();
            const { value, done } = await reader.read();
            if (done) return;
            const events = (rest + value).split(/\r\n\r\n|\n\n|\r\r/);
            rest = events.pop();
            events.forEach((event) => this.onEvent(event));
          }
        } finally { clearTimeout(silence); }
      }

      onEvent(text) {
        const { name, value, id } = readEvent(text);
        ({ turn: () => this.showTurn(value), delta: () => this.showDelta(value), state: () => this.showState(value.state), typing: () => this.state !== "staff" && this.showTyping(value.who === "bot" ? "" : value.who) })[name]?.();
        if (id) { this.store.event = id; this.save(); }
      }
    }

    customElements.define("firstline-chat", FirstlineChat);
  };

  function enter() {
    if (customElements.get("firstline-chat")) return;
    define(globalThis.FirstlineChatParts);
    if (document.querySelector("firstline-chat")) return; // the page has placed it itself
    const chat = document.createElement("firstline-chat");
    chat.dataset.lang = SCRIPT.dataset.lang ?? "auto";
    for (const name of ["product", "contact"]) chat.dataset[name] = SCRIPT.dataset[name] ?? "";
    document.body.append(chat);
  }
  const parts = document.createElement("script");
  parts.src = SCRIPT.src.replace(/widget\.js(\?.*)?$/, "widget-parts.js");
  parts.onload = () => (document.body ? enter() : addEventListener("DOMContentLoaded", enter));
  document.head.append(parts);
})();
