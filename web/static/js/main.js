// Attaches behaviour to elements: <div data-controller="sla"> gets sla.js. New elements are picked up when htmx brings
// them. A controller is a function of its element; it must not mind being the only one of its kind, or one of many.
import ask from "./ask.js";
import copy from "./copy.js";
import drawer from "./drawer.js";
import drop from "./drop.js";
import head from "./head.js";
import menu from "./menu.js";
import reply from "./reply.js";
import rows from "./rows.js";
import search from "./search.js";
import setup from "./setup.js";
import sla from "./sla.js";
import suggestion from "./suggestion.js";
import theme from "./theme.js";
import toast from "./toast.js";
import transcript from "./transcript.js";
import workspace from "./workspace.js";

const controllers = { ask, copy, drawer, drop, head, menu, reply, rows, search, setup, sla, suggestion, theme, toast, transcript, workspace };
const attached = new WeakSet();

function attach(root) {
  const found = [...root.querySelectorAll("[data-controller]")];
  if (root.matches?.("[data-controller]")) found.unshift(root);
  for (const element of found) {
    if (attached.has(element)) continue;
    attached.add(element);
    controllers[element.dataset.controller]?.(element);
  }
}

attach(document.body);
new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === Node.ELEMENT_NODE) attach(node);
}).observe(document.body, { childList: true, subtree: true });
