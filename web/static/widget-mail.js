/* Firstline chat, third part: the form that carries a conversation on by e-mail. An address, the code that went there, done.
 * Who is signed in on the page may write from their own mail program instead: a link, new each time the form is opened.
 * widget.js makes one form for its window. What is typed here is stored nowhere: a reload starts over. */
(() => {
  const LINK_MS = 29 * 60000; // it is good for half an hour

  const LOOK = `
.by { color: var(--acc); text-decoration: underline; min-height: 24px; font-weight: 550; white-space: nowrap; } .by:hover { text-decoration-thickness: 2px; }
.mail { display: block; padding: 12px 14px; font-size: 13.5px; background: var(--panel); max-height: 70%; overflow: auto; flex: none; }
.mail p { margin: 0; overflow-wrap: anywhere; color: var(--muted); } .mail label { display: block; font-weight: 600; margin-top: 8px; }
.mail input { display: block; width: 100%; margin-top: 3px; border: 1px solid #8795a8; border-radius: 10px; padding: 8px 12px; font-size: 15px; font-weight: 400; background: var(--panel); }
.mail input:focus { outline: 0; border-color: var(--fill); box-shadow: 0 0 0 3px rgb(11 99 197 / 22%); } .mail input[aria-invalid] { border-color: var(--bad); }
.mail .digits { letter-spacing: .25em; font-variant-numeric: tabular-nums; }
.mail .said:not(:empty) { margin-top: 6px; } .mail .said.bad { color: var(--bad); font-weight: 550; }
.deeds { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; } .deeds button { border: 1px solid var(--chip); color: var(--acc); border-radius: 10px; padding: 6px 12px; }
.deeds button:hover { border-color: var(--acc); } .deeds .yes { background: var(--fill); border-color: var(--fill); color: #fff; font-weight: 550; }
.mail[aria-busy] .deeds { opacity: .6; } .mail .own { margin-top: 10px; } .own a { display: inline-block; min-height: 24px; }
@media (max-height: 520px) { .mail:not([hidden]) + form { display: none; } }`;

  class MailForm {
    /** For one window: chat gives the words (t), the session (store, seq, api) and the box to go back to (input). */
    constructor(chat, { h, fill, clock, composes }) {
      const { t } = chat;
      Object.assign(this, { chat, t, fill, clock, round: null });
      this.button = h("button", { class: "by", type: "button", hidden: true, "aria-expanded": "false", onclick: () => (this.isOpen ? this.leave() : this.open()) }, t.mail);
      this.why = h("p", { id: "mail-why" });
      this.said = h("p", { class: "said", id: "mail-said", role: "status" });
      const field = (type) => h("input", { ...type, "aria-describedby": "mail-why mail-said", spellcheck: "false", autocapitalize: "off" });
      this.address = field({ type: "email", name: "email", autocomplete: "email", enterkeyhint: "send" });
      this.code = field({ class: "digits", type: "text", name: "code", inputmode: "numeric", autocomplete: "one-time-code", enterkeyhint: "done" });
      this.link = h("a", null, t.own);
      this.own = h("p", { class: "own", hidden: true }, this.link);
      this.lines = { address: h("label", null, t.address, this.address), code: h("label", null, t.code, this.code) };
      this.go = h("button", { class: "yes" });
      this.again = h("button", { type: "button", onclick: () => this.sendAgain() }, t.newCode);
      const cancel = h("button", { type: "button", onclick: () => this.leave() }, t.cancel);
      this.form = h("form", { class: "mail", "aria-label": t.mail, novalidate: true, hidden: true,
        onkeydown: (event) => { if (event.key === "Enter" && composes(event)) event.preventDefault(); },
        onsubmit: (event) => { event.preventDefault(); this.step === "code" ? this.confirm() : this.send(); } },
        this.why, this.lines.address, this.lines.code, this.said, h("div", { class: "deeds" }, this.go, this.again, cancel), this.own);
    }

    get isOpen() { return !this.form.hidden; }

    /** The way there is offered where mail is set up, and something has been said. */
    update() { this.button.hidden = !(this.chat.store.mail && this.chat.seq); }

    open() {
      this.form.hidden = false;
      this.button.setAttribute("aria-expanded", "true");
      this.show("address");
      this.chat.toEnd();
      this.offerLink();
    }

    /** Who is signed in may write from their own mail program: the server says by which link. */
    async offerLink() {
      if (!this.chat.store.subject) return;
      const asked = (this.asked = {});
      const { mailto } = await this.chat.api("links", {}).then((answer) => (answer.ok ? answer.json() : {})).catch(() => ({}));
      if (this.asked !== asked || this.step !== "address" || !mailto?.startsWith("mailto:")) return;
      this.link.href = mailto;
      this.own.hidden = false;
      setTimeout(() => { if (this.asked === asked) this.own.hidden = true; }, LINK_MS);
    }

    close() {
      this.round = this.asked = null; // an answer that is still under way changes nothing any more
      this.own.hidden = true;
      this.form.removeAttribute("aria-busy");
      this.form.hidden = true;
      this.code.value = "";
      this.button.setAttribute("aria-expanded", "false");
    }

    /** Closed by the customer; the address stays in the field until the page goes, for who mistyped it. */
    leave() { this.close(); this.button.focus(); }

    reset() { this.close(); this.address.value = ""; this.update(); }

    show(step) {
      const { t } = this, codeCame = step === "code";
      this.step = step;
      for (const [name, line] of Object.entries(this.lines)) line.hidden = name !== step;
      this.why.textContent = codeCame ? this.fill(t.codeSent, this.wish) : t.mailWhy;
      this.go.textContent = codeCame ? t.confirm : t.sendCode;
      this.again.hidden = !codeCame;
      if (codeCame) this.own.hidden = true;
      this.say("");
      this[step].focus();
    }

    say(text, isWrong = false) {
      this.said.textContent = text;
      this.said.classList.toggle("bad", isWrong);
      this.address.toggleAttribute("aria-invalid", false);
      this.code.toggleAttribute("aria-invalid", false);
      if (!isWrong) return;
      this[this.step].setAttribute("aria-invalid", "true");
      this[this.step].focus();
      this[this.step].select();
    }

    async send() {
      this.wish = this.address.value.normalize("NFKC").trim(); // a Chinese keyboard writes a full-width @
      if (!/[^@]@[^@]/.test(this.wish)) return this.say(this.t.noAddress, true);
      if (await this.post("mail", { address: this.wish })) this.show("code");
    }

    async sendAgain() {
      if (!(await this.post("mail", { address: this.wish }))) return;
      this.code.value = "";
      this.show("code");
      this.say(this.t.newCodeSent);
    }

    async confirm() {
      const code = this.code.value.normalize("NFKC").replace(/\D/g, "");
      if (code.length !== 6) return this.say(this.t.sixDigits, true);
      if (!(await this.post("mail/confirm", { code }))) return;
      this.reset(); // the conversation itself says where answers go from now on
      this.chat.input.focus();
    }

    /** Whether the server took it. Why not is said here; after a form that was closed meanwhile nothing is. */
    async post(path, body) {
      if (this.round) return false;
      const round = (this.round = {});
      this.say("");
      this.form.setAttribute("aria-busy", "true");
      const problem = await this.problemWith(path, body);
      if (this.round !== round) return false;
      this.round = null;
      this.form.removeAttribute("aria-busy");
      if (problem) this.say(problem, true);
      return !problem;
    }

    async problemWith(path, body) {
      try {
        const response = await this.chat.api(path, body);
        if (response.ok) return "";
        const wait = Number(response.headers.get("Retry-After"));
        if (response.status === 429 && wait) return this.fill(this.t.tooMany, this.clock(Date.now() + wait * 1000, this.chat.lang));
        return (await response.json()).detail || this.t.unreachable;
      } catch { return this.t.unreachable; }
    }
  }

  globalThis.FirstlineChatMail = Object.freeze({ LOOK, MailForm });
})();
