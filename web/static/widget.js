/* Firstline chat: <script src="https://desk.example/static/widget.js" data-lang="auto" defer></script>
 * One custom element in a shadow root, no dependency. What a server or a person says reaches the page as text nodes only.
 * Order: the element (panel > whose window it is > sending > live connection), then how it comes into the page. Words, look, safe
 * text and the transcript are in widget-parts.js, the form for going on by e-mail in widget-mail.js; this file loads both by
 * script elements: that needs no CORS on static files. */
(() => {
  const SCRIPT = document.currentScript;
  const BASE = new URL(SCRIPT.src).origin;
  const KEY = `firstline.chat:${BASE}`;
  const SILENCE_MS = 60000, TYPING_MS = 20000, TRIES = 3, PAGE = 500;
  const fresh = () => ({ session: "", event: "", seen: 0, open: false, greeting: null, queue: [], max: 100000, reads: 4000, mail: false, subject: "" });

  const define = ({ WORDS, LOOK, Transcript, h, icon, readEvent, fill, clock, chosenLang, subjectOf, composes, htmlLang, newId, sleep, backoff },
    { MailForm, LOOK: MAIL_LOOK }) => {
    class FirstlineChat extends Transcript {
      connectedCallback() {
        if (this.shadowRoot) return;
        this.ui = chosenLang(this.dataset.lang);
        this.t = WORDS[this.ui];
        this.lang = htmlLang(this.ui);
        this.shown = new Set(); // ids of turns on screen
        this.seq = 0;
        this.attempt = 0;
        this.until = 0; // when a new conversation may begin again, where too many were begun
        this.life = new AbortController(); // of this window, until it is somebody else's
        this.token = String((Object.hasOwn(this, "userToken") ? this.userToken : this.token ?? this.dataset.userToken) ?? "");
        delete this.userToken; // was set before the element was known here: it hid the property of the class
        try { this.store = JSON.parse(localStorage.getItem(KEY)); } catch { /* storage is off: lasts as long as the page */ }
        this.store = { ...fresh(), ...this.store };
        this.store.queue = this.store.queue.filter((item) => !item.sent); // the server has those: they come back as turns
        this.build();
        this.recognise();
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
        sheet.replaceSync(LOOK + MAIL_LOOK);
        root.adoptedStyleSheets = [sheet];
        this.sub = h("p", null, t.bot);
        this.notice = h("p", { class: "note", role: "status", hidden: true });
        this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": t.transcript, tabindex: "0" });
        this.input = h("textarea", { rows: 1, "aria-label": t.placeholder, placeholder: t.placeholder, enterkeyhint: "send",
          onkeydown: (event) => this.onKey(event), oninput: () => this.count() });
        this.counter = h("span", { class: "count", role: "status", hidden: true });
        const form = h("form", { onsubmit: (event) => { event.preventDefault(); this.submit(); } }, this.input,
          h("button", { class: "go", "aria-label": t.send }, icon("send", 20)));
        this.mail = new MailForm(this, { h, fill, clock, composes });
        this.panel = h("div", { class: "panel", role: "dialog", "aria-label": t.title, hidden: true,
          onkeydown: (event) => { if (event.key === "Escape" && !composes(event)) this.mail.isOpen ? this.mail.leave() : this.close(); } },
          h("div", { class: "top" }, h("span", { class: "logo" }, icon("spark", 22)), h("div", { class: "names" }, h("h2", null, t.title), this.sub),
            h("button", { class: "human", type: "button", onclick: () => this.send(t.human, "human") }, t.human),
            h("button", { class: "x", type: "button", "aria-label": t.close, onclick: () => this.close() }, icon("x", 20))),
          this.notice, this.log, this.mail.form, form, h("p", { class: "foot" }, h("span", null, t.foot), this.mail.button, this.counter));
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
        const { life } = this;
        if (!this.store.session) this.start().catch(() => this.life === life && this.trouble()).then(() => this.connect());
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
        if (event.key !== "Enter" || event.shiftKey || composes(event)) return;
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

      /** Who is signed in on the page: a token that the site's own server has signed, "" for nobody. */
      get userToken() { return this.token; }
      set userToken(token) {
        this.token = String(token ?? "");
        if (this.shadowRoot) this.recognise();
      }

      recognise() {
        const subject = subjectOf(this.token);
        if (subject !== this.store.subject) this.startAnew(subject);
        else if (this.refused && this.token !== this.refused) this.goOn();
      }

      /** The window is somebody else's now: nothing of the one before stays, on screen, under way or stored. */
      startAnew(subject) {
        const open = !this.panel.hidden;
        for (const ended of [this.life, this.stream]) ended?.abort();
        this.life = new AbortController();
        this.store = { ...fresh(), subject };
        Object.assign(this, { starting: null, refused: "", attempt: 0 });
        this.input.value = "";
        this.count();
        this.say("");
        this.showTyping(null);
        this.showState("bot");
        this.clear();
        this.markSeen();
        this.wakeUp?.();
        if (open) this.open(false);
      }

      clear() {
        this.shown.clear();
        this.seq = 0;
        this.log.replaceChildren();
        this.mail.reset();
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
            : h("span", { class: "state", role: "status" }, this.isLimited ? fill(this.t.held, clock(this.until, this.lang)) : this.refused ? this.t.kept : navigator.onLine ? this.t.sending : this.t.queued);
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

      async api(path, body, again = true, { signal } = this.life) {
        const { session } = this.store;
        const headers = { "Accept-Language": this.lang, ...(session && { Authorization: `Bearer ${session}` }), ...(body && { "Content-Type": "application/json" }) };
        const response = await fetch(`${BASE}/api/v1/chat/${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store", signal });
        if (response.status !== 401 || !again) return response;
        if (this.store.session === session) await this.restart(); // else another request has done it meanwhile
        return this.api(path, body, false, { signal });
      }

      get isLimited() { return Date.now() < this.until; }

      /** Too many conversations from this network: what happened, when it works again, and another way if the page names one. */
      limited(seconds) {
        this.until = Date.now() + seconds * 1000;
        this.bar(fill(this.t.limit, clock(this.until, this.lang)), this.dataset.contact && fill(this.t.instead, this.dataset.contact));
      }

      /** The site's word for who this is was not taken. Nothing begins behind its back: the customer decides. */
      refuse(detail) {
        this.refused = this.token;
        this.bar(detail, h("button", { type: "button", onclick: () => { this.passed = this.token; this.goOn(); this.input.focus(); } }, this.t.stranger));
      }

      goOn() { this.refused = ""; this.bar(); this.wake(); }

      /** Why no conversation begins, at the top of the empty one; without lines: nothing stands in the way. */
      bar(...lines) {
        this.log.querySelector("[data-limit]")?.remove();
        if (lines.length) this.log.prepend(h("div", { class: "sys", "data-limit": "", lang: this.lang }, ...lines.filter(Boolean).map((line) => h("p", null, line))));
        this.refreshQueue();
      }

      /** Why nothing comes is said; where a limit is the reason, that stands in the conversation already. */
      trouble() { this.say(this.isLimited || this.refused ? "" : this.t.busy); }

      start() {
        if (this.isLimited || this.refused) return Promise.reject(new Error("not now"));
        if (!this.starting) {
          const starting = this.begin().finally(() => { if (this.starting === starting) this.starting = null; });
          this.starting = starting;
        }
        return this.starting;
      }

      async begin() {
        const token = this.token === this.passed ? "" : this.token; // a refused one is passed over once the customer wants that
        const response = await this.api("sessions", { lang: this.ui, page: location.origin + location.pathname, ...(token && { user_token: token }) }, false);
        if (response.status === 429) this.limited(Number(response.headers.get("Retry-After")) || 60);
        else if (token && [403, 422].includes(response.status)) this.refuse((await response.json()).detail);
        if (!response.ok) throw new Error(`session: ${response.status}`);
        const { session, greeting, quick_replies: quick, max_chars: max, read_chars: reads, mail } = await response.json();
        Object.assign(this.store, { session, event: "", seen: 0, greeting: { text: greeting, quick: quick ?? [] }, max, reads, mail });
        this.save();
        this.bar();
        this.greet();
      }

      /** The session has ended on the server: begin again without a word; what was not delivered goes to the new one. */
      restart() {
        this.clear();
        this.store.session = "";
        this.stream?.abort();
        for (const item of this.store.queue) item.sent = false;
        this.refreshQueue();
        return this.start().then(() => this.wakeUp?.());
      }

      wake() { this.attempt = 0; this.showOffline(false); this.pump(); this.connect(); this.wakeUp?.(); }

      async connect() {
        const { life } = this;
        if (this.connected === life) return;
        this.connected = life;
        this.refreshQueue();
        while (this.isConnected) {
          try {
            if (!this.store.session) await this.start();
            await this.catchUp();
            await this.listen();
            this.attempt = 0;
          } catch {
            if (this.life !== life) return;
            this.showOffline(!navigator.onLine);
            if (navigator.onLine && !document.hidden && this.attempt > 1) this.trouble();
          }
          if (this.life !== life) return; // the next one's window has a connection of its own
          await Promise.race([sleep(document.hidden ? 3600000 : backoff(this.attempt++)), new Promise((resolve) => { this.wakeUp = resolve; })]);
        }
        this.connected = null;
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
        const stream = (this.stream = new AbortController());
        let silence;
        const alive = () => { clearTimeout(silence); silence = setTimeout(() => stream.abort(), SILENCE_MS); };
        try {
          const response = await fetch(`${BASE}/api/v1/chat/events`, { credentials: "omit", cache: "no-store", signal: stream.signal,
            headers: { Authorization: `Bearer ${this.store.session}`, Accept: "text/event-stream", "Last-Event-ID": this.store.event } });
          if (response.status === 401) return await this.restart();
          if (!response.ok) throw new Error(`events: ${response.status}`);
          this.attempt = 0;
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          for (let rest = ""; ; ) {
            alive();
            const { value, done } = await reader.read();
            if (done || stream.signal.aborted) return;
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
    define(globalThis.FirstlineChatParts, globalThis.FirstlineChatMail);
    if (document.querySelector("firstline-chat")) return; // the page has placed it itself
    const chat = document.createElement("firstline-chat");
    chat.dataset.lang = SCRIPT.dataset.lang ?? "auto";
    for (const name of ["product", "contact"]) chat.dataset[name] = SCRIPT.dataset[name] ?? "";
    chat.userToken = SCRIPT.dataset.userToken;
    document.body.append(chat);
  }
  const load = (name) => new Promise((onload) => document.head.append(Object.assign(document.createElement("script"), { src: SCRIPT.src.replace(/widget\.js(\?.*)?$/, name), onload })));
  Promise.all(["widget-parts.js", "widget-mail.js"].map(load)).then(() => (document.body ? enter() : addEventListener("DOMContentLoaded", enter)));
})();
