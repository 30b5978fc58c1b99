// The desk works without this file. It switches on the behaviour of GOV.UK Frontend, and single-key shortcuts:
// N for the next submission, P for the one before, L for the list. They can be switched off (WCAG 2.1.4), and are
// silent while somebody types. On the page of coding the digits tick themes, and S saves.
import { initAll } from './govuk-frontend.min.js'

document.body.classList.add('js-enabled', 'govuk-frontend-supported')
initAll()

const STORED = 'ownwords-desk-shortcuts'
const areOn = () => localStorage.getItem(STORED) !== 'off'

const button = document.getElementById('shortcut-switch')
if (button) {
  const show = () => {
    button.hidden = false
    button.textContent = areOn() ? 'Switch single-key shortcuts off' : 'Switch single-key shortcuts on'
    document.body.classList.toggle('desk-shortcuts-off', !areOn())
  }
  button.addEventListener('click', () => {
    localStorage.setItem(STORED, areOn() ? 'off' : 'on')
    show()
  })
  show()
}

document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]')
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || !areOn()) return
  const link = document.querySelector(`[data-shortcut="${CSS.escape(event.key.toLowerCase())}"]`)
  if (link) {
    event.preventDefault()
    link.click()
  }
})
