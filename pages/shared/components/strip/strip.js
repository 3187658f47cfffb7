// A row of small pictures to choose one from; it scrolls sideways, and loads a picture when it comes into view.

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".fg-strip")
  root.setAttribute("role", "group")
  root.setAttribute("aria-label", data.words)
  const shown = JSON.stringify(data.items)
  const fresh = root.dataset.shown !== shown
  if (fresh) {
    root.dataset.shown = shown
    root.replaceChildren(...data.items.map(button))
  }
  for (const one of root.children) {
    const chosen = one.dataset.id === data.chosen
    one.setAttribute("aria-pressed", String(chosen))
    one.onclick = () => setStateValue("picture", one.dataset.id)
    if (fresh && chosen) root.scrollLeft = one.offsetLeft - root.offsetLeft - one.offsetWidth
  }
}

function button(item) {
  const button = document.createElement("button")
  const image = document.createElement("img")
  const words = document.createElement("span")
  image.loading = "lazy"
  image.alt = button.title = item.alt
  image.src = item.url
  words.textContent = item.words
  button.dataset.id = item.id
  button.append(image, words)
  return button
}
