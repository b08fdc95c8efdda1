/**
 * Changes that old libraries, and pages that load them, make to the language, each as code
 * that runs in the page before ours: what Prototype 1.6, MooTools 1.2 and 1.4, core-js 2
 * and zone.js do differently from the language.
 *
 * @type {Record<string, string>}
 */
export const bends = {
  'nothing bent': '',
  'Array.from without its mapping (Magento)': 'Array.from = (list) => Array.prototype.slice.call(list);',
  'MooTools 1.2': `
    Array.from = (item) => (item == null ? [] : typeof item === 'object' && 'length' in item ? Array.prototype.slice.call(item) : [item]);
    Function.prototype.bind = function (that, args) {
      const self = this;
      return function () { return self.apply(that, args != null ? [].concat(args) : arguments); };
    };
    Function.prototype.extend = Function.prototype.implement = function () { return this; };
    Function.prototype.delay = function (time) { return setTimeout(this, time); };
    for (const name of ['each', 'clean', 'associate', 'link', 'contains', 'getLast', 'include', 'combine', 'erase', 'empty', 'flatten', 'pick', 'hexToRgb', 'rgbToHex']) {
      Array.prototype[name] = function () { return this; };
    }
    String.prototype.contains = function (s) { return this.indexOf(s) > -1; };
    String.prototype.test = function (r) { return new RegExp(r).test(this); };
    String.from = Number.from = (v) => v;
    Number.prototype.limit = Number.prototype.times = function () { return this; };
    Object.keys = (o) => { const keys = []; for (const k in o) if (Object.prototype.hasOwnProperty.call(o, k)) keys.push(k); return keys; };
    Object.values = (o) => Object.keys(o).map((k) => o[k]);
    Object.append = Object.merge = Object.each = (o) => o;`,
  'Prototype 1.6': `
    Object.toJSON = (value) => { throw new Error('not ours to call'); };
    Object.keys = (o) => { const keys = []; for (const k in o) keys.push(k); return keys; };
    Object.values = (o) => { const values = []; for (const k in o) values.push(o[k]); return values; };
    Array.from = (item) => { if (!item) return []; if (item.toArray) return item.toArray(); let i = item.length || 0; const out = new Array(i); while (i--) out[i] = item[i]; return out; };
    Array.prototype.toArray = Array.prototype.entries = Array.prototype.clone = function () { return [].concat(this); };
    Array.prototype.each = function (f) { for (let i = 0; i < this.length; i += 1) f(this[i], i); return this; };
    Array.prototype.map = Array.prototype.collect = function (f, that) { const out = []; this.each((v, i) => out.push((f || ((x) => x)).call(that, v, i))); return out; };
    Array.prototype.filter = Array.prototype.select = Array.prototype.findAll = function (f, that) { const out = []; this.each((v, i) => { if (f.call(that, v, i)) out.push(v); }); return out; };
    Array.prototype.find = Array.prototype.detect = function (f, that) { for (let i = 0; i < this.length; i += 1) if (f.call(that, this[i], i)) return this[i]; return undefined; };
    Array.prototype.reduce = function () { return this.length > 1 ? this : this[0]; };
    Array.prototype.reverse = function (inline) { const out = inline !== false ? this : [].concat(this); for (let i = 0, j = out.length - 1; i < j; i += 1, j -= 1) [out[i], out[j]] = [out[j], out[i]]; return out; };
    Array.prototype.toJSON = function () { return '[' + this.map((v) => JSON.stringify(v)).join(', ') + ']'; };
    String.prototype.toJSON = Number.prototype.toJSON = Boolean.prototype.toJSON = function () { return '"' + this + '"'; };
    Date.prototype.toJSON = function () { return '"date"'; };
    String.prototype.toArray = function () { return this.split(''); };
    String.prototype.startsWith = function (s) { return this.indexOf(s) === 0; };
    String.prototype.endsWith = function (s) { const at = this.length - s.length; return at >= 0 && this.lastIndexOf(s) === at; };
    String.prototype.times = function (n) { return this; };
    Function.prototype.bind = function () { const self = this, args = [...arguments], that = args.shift(); return function () { return self.apply(that, args.concat([...arguments])); }; };
    Function.prototype.argumentNames = Function.prototype.curry = Function.prototype.defer = function () { return this; };`,
  'Object.prototype with more in it': `
    Object.prototype.extend = function (more) { return Object.assign(this, more); };
    Object.prototype.isEmpty = Object.prototype.foreach = function () { return false; };
    Object.prototype.debug = true;`,
  'Object.prototype.toJSON': 'Object.prototype.toJSON = function () { return "[object]"; };',
  'Array.prototype.toJSON alone': 'Array.prototype.toJSON = function () { return this.join(); };',
  'a Promise of a library': `
    const Native = Promise;
    class Own {
      constructor(f) { this.p = new Native(f); }
      then(a, b) { return new Own((y, n) => this.p.then(a, b).then(y, n)); }
      catch(b) { return this.then(undefined, b); }
      static resolve(v) { return new Own((y) => y(v)); }
      static reject(v) { return new Own((y, n) => n(v)); }
      static all(list) { return new Own((y, n) => Native.all(list).then(y, n)); }
      static race(list) { return new Own((y, n) => Native.race(list).then(y, n)); }
    }
    globalThis.Promise = Own;`,
  'an iterator of a library': `
    Array.prototype[Symbol.iterator] = function () { let i = 0; const list = this; return { next: () => (i < list.length ? { value: list[i++], done: false } : { value: undefined, done: true }) }; };
    Object.defineProperty(Array.prototype, Symbol.iterator, { enumerable: true });`,
  'string methods of a library': `
    String.prototype.padStart = function () { return String(this); };
    String.prototype.replaceAll = function (a, b) { return this.split(a).join(b); };
    String.prototype.trim = function () { return this.replace(/^\\s+|\\s+$/g, ''); };
    String.prototype.repeat = function () { return String(this); };
    String.prototype.format = String.prototype.escapeHTML = function () { return String(this); };`,
  'globals with our names': `
    globalThis.name = globalThis.status = globalThis.session = globalThis.Session = globalThis.Locale = globalThis.root = 'taken';
    globalThis.process = { env: { NODE_ENV: 'production' } };
    globalThis.module = { exports: {} }; globalThis.exports = globalThis.module.exports; globalThis.require = globalThis.define = () => { throw new Error('not ours to call'); };
    globalThis.Go = class { constructor() { throw new Error('not ours to call'); } };`,
};
