// What the driver's types want of a browser's: names only, so that nothing here takes the DOM to be there.

interface Node {
  readonly nodeType: number
}
interface HTMLElement extends Node {
  readonly tagName: string
}
interface SVGElement extends Node {
  readonly tagName: string
}
interface HTMLElementTagNameMap {
  readonly html: HTMLElement
}
