import { AttacheError } from './error.js';

// What FakeChat (testing.js) refuses, as bridge/noticerule.go does, as far as an application can get it wrong.

/** The notices that a page may ask for, apart from system commands, which have methods of their own. */
const types = ['TYPING_STARTED', 'TYPING_STOPPED', 'USER_UPDATE_NICK', 'PUSH_URL', 'USER_CUSTOM', 'UPDATE_USER_DATA', 'READ_RECEIPT', 'IDLE_CONTROL_SET'];

const maxNickname = 256;
const maxUrl = 2048;

/** @param {import('../codes.js').Code} code @param {string} [message] default: the catalogue's */
function refusal(code, message = '') {
  return new AttacheError({ code, message });
}

/** @param {string} nickname */
export function checkNickname(nickname) {
  if (nickname.trim() === '' || bytes(nickname) > maxNickname || /\p{Cc}/u.test(nickname)) {
    throw refusal('message-invalid', `a nickname has 1 to ${maxNickname} bytes of text, without control characters`);
  }
}

/** Refuses what only agents may do. @param {{ userType: string }} party @param {string} what */
export function checkStaff({ userType }, what) {
  if (userType === 'CLIENT') throw refusal('forbidden', `a customer cannot ${what}`);
}

/** Refuses the deletion of a file. @param {import('../attache.js').ChatFile} file @param {import('../attache.js').Limits} limits */
export function checkDeletion({ own, from }, { deleteFile, deleteOthers }) {
  if (!own && deleteOthers !== 'all' && (deleteOthers !== 'staff' || from.userType === 'CLIENT')) throw refusal('forbidden', 'only the sender of a file may delete it');
  if (own && deleteFile === 'off') throw refusal('forbidden', 'files may not be deleted in this chat');
}

/** Refuses a notice that the proxy would refuse. @param {{ userType: string }} party @param {string} notice @param {string} text @param {object} data */
export function checkNotice(party, notice, text, data) {
  if (!types.includes(notice)) throw refusal('message-invalid', `a page cannot send a notice "${notice}"`);
  if (notice === 'IDLE_CONTROL_SET') checkStaff(party, 'change when an idle chat is closed');
  if (notice === 'USER_UPDATE_NICK') checkNickname(text);
  if (notice === 'PUSH_URL') checkUrl(text);
  checkKeys(data);
}

/**
 * Returns why a party may not upload a file, or undefined.
 *
 * @param {{ limits: import('../attache.js').Limits, rights: readonly string[] }} session
 * @param {number} size
 * @param {string} extension
 */
export function uploadRefusal({ limits, rights }, size, extension) {
  const { maxFiles, usedFiles, maxFileSize, types: allowed, needAgent, agentHere } = limits;
  if (!rights.includes('upload:file-system')) return refusal('forbidden');
  if (needAgent && !agentHere) return refusal('agent-needed');
  if (maxFiles !== undefined && usedFiles >= maxFiles) return refusal('too-many-files');
  if (maxFileSize !== undefined && size > maxFileSize) return refusal('file-too-large', `the file has ${size} bytes, ${maxFileSize} are allowed`);
  if (allowed.length > 0 && !allowed.includes(extension)) return refusal('type-refused');
  return undefined;
}

/** @param {string} url */
function checkUrl(url) {
  if (!/^https?:\/\/[^/?#:@][^/?#@]*([/?#]|$)/iu.test(url) || bytes(url) > maxUrl || /[\p{Cc} \\<>"`{}|^]/u.test(url)) {
    throw refusal('message-invalid', 'a pushed URL begins with http:// or https://, and has a host, no user name and no characters that have to be escaped');
  }
}

/** Refuses keys that say something about a file, at any depth. @param {object} data */
function checkKeys(data) {
  for (const [key, value] of Object.entries(data)) {
    if (key.startsWith('file-') || key === 'attache-key' || key === 'attache-name') throw refusal('custom-key-refused', `the key ${key} is reserved`);
    if (typeof value === 'object' && value !== null) checkKeys(value);
  }
}

/** @param {string} text */
function bytes(text) {
  return new TextEncoder().encode(text).length;
}
