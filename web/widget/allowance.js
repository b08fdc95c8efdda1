/** @typedef {import('../attache.js').Limits} Limits */
/** @typedef {import('./locale.js').Locale} Locale */

const typesShown = 6;

/**
 * Describes what may be sent. This text decides nothing: the session refuses files, by the
 * same function as the proxy.
 *
 * @param {Limits} limits
 * @param {Locale} locale
 * @returns {{ text: string, open: boolean }} `open` is false as long as no file can be sent at all
 */
export function allowance(limits, locale) {
  if ([limits.maxFiles, limits.maxFileSize, limits.maxTotalSize].includes(0)) {
    return { text: locale.say('uploadsOff'), open: false };
  }
  if (limits.needAgent && !limits.agentHere) return { text: locale.say('needAgent'), open: false };
  if (limits.maxFiles !== undefined && limits.usedFiles >= limits.maxFiles) {
    return { text: locale.say('exhausted', { count: limits.maxFiles }), open: true };
  }

  const rules = ruleWords(limits, locale);
  const words = rules.length === 0 ? [] : [locale.list(rules, 'unit'), usedWords(limits, locale), downloadWords(limits, locale)];
  return { text: capital(words.filter((part) => part !== '').join('; '), locale), open: true };
}

/** @param {Limits} limits @param {Locale} locale */
function ruleWords(limits, locale) {
  const { maxFiles, maxFileSize, maxTotalSize, types } = limits;
  const rules = [];
  if (maxFiles !== undefined) rules.push(locale.say('limitFiles', { count: maxFiles }));
  if (maxFileSize !== undefined) {
    const word = maxFiles === undefined ? 'limitEachOnly' : 'limitEach';
    rules.push(locale.say(word, { size: locale.size(maxFileSize) }));
  }
  if (maxTotalSize !== undefined) rules.push(locale.say('limitTotal', { size: locale.size(maxTotalSize) }));
  if (types.length > 0) rules.push(locale.say('limitTypes', { types: typeWords(types, locale) }));
  return rules;
}

/** @param {readonly string[]} types @param {Locale} locale */
function typeWords(types, locale) {
  const shown = types.slice(0, typesShown);
  const more = types.length - shown.length;
  return locale.list(more === 0 ? shown : [...shown, locale.say('limitMoreTypes', { count: more })]);
}

/** @param {Limits} limits @param {Locale} locale */
function usedWords(limits, locale) {
  if (limits.usedFiles === 0) return '';
  const used = [locale.say('used', { count: limits.usedFiles })];
  if (limits.maxTotalSize !== undefined) {
    const left = Math.max(0, limits.maxTotalSize - limits.usedTotalSize);
    used.push(locale.say('remaining', { size: locale.size(left) }));
  }
  return locale.list(used, 'unit');
}

/** @param {Limits} limits @param {Locale} locale */
function downloadWords({ maxDownloads, usedDownloads }, locale) {
  return maxDownloads === undefined ? '' : locale.say('downloadsLeft', { count: Math.max(0, maxDownloads - usedDownloads) });
}

/** @param {string} text @param {Locale} locale */
function capital(text, locale) {
  return text.charAt(0).toLocaleUpperCase(locale.tag) + text.slice(1);
}
