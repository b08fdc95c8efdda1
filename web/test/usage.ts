// Every entry of the package, as a TypeScript project imports it. It only has
// to compile.
import { connect, type ChatFile, type Session } from 'attache-chat';
import { AttacheChat, addLocale, type Dictionary } from 'attache-chat/element';
import { load, onExit } from 'attache-chat/loader';
import en from 'attache-chat/locales/en';
import wasm from 'attache-chat/wasm';

export async function embed(form: HTMLFormElement, input: HTMLInputElement): Promise<ChatFile> {
  const session: Session = await connect({ url: 'wss://files.example', token: async () => 'token' });
  session.addEventListener('file', ({ detail }) => form.append(detail.name, ` ${detail.size}`));
  const element: AttacheChat = document.createElement('attache-chat');
  element.session = session;
  element.conversation = 'ada/4711';
  element.token = async ({ conversation }) => `token of ${conversation}`;
  element.token = () => 'token';
  element.token = null;
  session.setToken(async () => 'another');
  for (const { key, name, stored } of await session.unfinishedUploads()) if (stored === 0 || name === '') session.discardUpload(key);
  form.append(element);
  const [file] = input.files ?? [];
  if (!file) throw new Error('choose a file');
  return session.upload(file, { onProgress: ({ stored, total }) => form.setAttribute('data-done', String(stored / total)) });
}

export async function program(module: WebAssembly.Module): Promise<object> {
  const off: () => void = onExit((code: number) => console.warn(code));
  off();
  return load({ wasm: module });
}

export function translate(): void {
  const words: Dictionary = { ...en, send: 'Senden', used: { one: '{count} gesendet', other: '{count} gesendet' } };
  addLocale('de', words);
  // @ts-expect-error the English words have no such entry
  addLocale('de', { sendd: 'Senden' });
}

export function preload(): Promise<object> {
  return load({ wasm });
}
