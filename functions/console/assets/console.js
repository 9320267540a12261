// The keys of a tree of folders, as the ARIA practices have them: arrows, Home, End, a folder's first letters, and Space.
// Without scripts the tree is a list of boxes. Source: https://www.w3.org/WAI/ARIA/apg/patterns/treeview/
"use strict";

// A tree of more folders begins folded, but for what leads to a ticked one.
const UNFOLDED_MAX = 40;
// Letters that are typed within this time belong together.
const TYPED_MS = 700;

const box = item => item.querySelector(":scope > .tick input");
const row = item => item.querySelector(":scope > .tick > span:not(.twist)");
const inside = item => [...item.querySelectorAll(":scope > ul > li")];
const words = item => row(item).querySelector("bdi").textContent.trim().toLocaleLowerCase();

function tree(list) {
  const items = [...list.querySelectorAll("li")];
  const above = item => item.parentElement.closest(".tree li");
  let typed = "";
  let typedAt = 0;

  const mode = () => list.closest("form").querySelector("input[name=mode]:checked").value;
  // Folders below one, with those that this page does not show.
  const below = item => {
    const [unseenTicked, unseenAll] = (item.dataset.unseen || "0/0").split("/").map(Number);
    const boxes = item.querySelectorAll(":scope > ul input:not(:disabled)");
    const ticked = item.querySelectorAll(":scope > ul input:checked:not(:disabled)");
    return { all: boxes.length + unseenAll, ticked: ticked.length + unseenTicked };
  };
  // What the tick of a folder says of those below it, as the server says it.
  const says = (item, checked, { all, ticked }) => {
    const isExcluding = mode() === "exclude";
    if (mode() === "all") return "";
    if (isExcluding && above(item)?.closest(".tree li:has(> .tick input:checked)")) return list.dataset.covered;
    if (!checked) return ticked ? list.dataset.mixed : "";
    if (!all) return "";
    if (isExcluding || ticked === all) return list.dataset.all;
    return ticked ? list.dataset.some : list.dataset.none;
  };
  const show = item => {
    const checked = box(item).checked;
    const inside = below(item);
    const mixed = !checked && inside.ticked > 0;
    box(item).indeterminate = mixed;
    row(item).setAttribute("aria-checked", mixed ? "mixed" : String(checked));
    const words = says(item, checked, inside);
    let small = row(item).querySelector(".below");
    if (words && !small) {
      small = document.createElement("small");
      small.className = "below";
      row(item).append(" ", small);
    }
    if (small) small.textContent = words;
  };
  const isFolded = item => item.classList.contains("folded");
  const fold = (item, folded) => {
    item.classList.toggle("folded", folded);
    row(item).setAttribute("aria-expanded", String(!folded));
  };
  const seen = () => items.filter(item => !item.parentElement.closest(".folded"));
  const go = item => {
    if (!item) return;
    items.forEach(other => { row(other).tabIndex = other === item ? 0 : -1; });
    row(item).focus();
  };

  list.setAttribute("role", "tree");
  list.setAttribute("aria-multiselectable", "true");
  list.setAttribute("aria-label", list.closest("fieldset").querySelector("legend").textContent);
  list.querySelectorAll("ul").forEach(group => group.setAttribute("role", "group"));
  for (const item of items) {
    item.setAttribute("role", "none");
    row(item).setAttribute("role", "treeitem");
    row(item).setAttribute("aria-level", String(above(item) ? Number(row(above(item)).getAttribute("aria-level")) + 1 : 1));
    row(item).setAttribute("aria-disabled", String(box(item).disabled));
    row(item).tabIndex = -1;
    box(item).tabIndex = -1;
    box(item).setAttribute("aria-hidden", "true");
    const twist = document.createElement("span");
    twist.className = "twist";
    twist.setAttribute("aria-hidden", "true");
    item.querySelector(":scope > .tick").prepend(twist);
    if (inside(item).length) {
      item.classList.add("parent");
      twist.addEventListener("click", event => {
        event.preventDefault();
        fold(item, !isFolded(item));
      });
      fold(item, items.length > UNFOLDED_MAX && !item.querySelector(":scope > ul input:checked"));
    }
    show(item);
  }
  if (items.length) row(items[0]).tabIndex = 0;

  list.closest("form").addEventListener("change", () => items.forEach(show));
  list.addEventListener("keydown", event => {
    const item = event.target.closest("li");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = seen();
    const at = all.indexOf(item);
    const keys = {
      ArrowDown: () => go(all[at + 1]),
      ArrowUp: () => go(all[at - 1]),
      Home: () => go(all[0]),
      End: () => go(all[all.length - 1]),
      ArrowRight: () => (isFolded(item) ? fold(item, false) : go(inside(item)[0])),
      ArrowLeft: () => (inside(item).length && !isFolded(item) ? fold(item, true) : go(above(item))),
      " ": () => box(item).click(),
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    } else if (event.key.length === 1) {
      event.preventDefault();
      typed = (event.timeStamp - typedAt < TYPED_MS ? typed : "") + event.key.toLocaleLowerCase();
      typedAt = event.timeStamp;
      const from = typed.length > 1 ? at : at + 1;
      go([...all.slice(from), ...all.slice(0, from)].find(other => words(other).startsWith(typed)));
    }
  });
}

document.querySelectorAll(".tree").forEach(tree);
