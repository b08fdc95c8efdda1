// The double as a TypeScript project's own tests use it. It only has to compile.
import { addLocale } from 'attache-chat/element';
import { FakeChat, fakeError } from 'attache-chat/testing';

export async function chat(element: HTMLElementTagNameMap['attache-chat']): Promise<string> {
  const conversation = new FakeChat({ stepDelay: 5 });
  const agent = conversation.join({ nickname: 'Ada', userType: 'AGENT' });
  const customer = conversation.join({ nickname: 'Bo', limits: { maxFiles: 3 } });
  agent.script({ at: 0.5, fail: fakeError('storage-full') });
  agent.setState('reconnecting', { retryIn: 3000 });
  customer.setLimits({ usedFiles: 1 });
  element.session = agent;
  element.token = async () => 'token';
  element.addEventListener('attache-file', ({ detail }) => console.info(detail.name, detail.kind));
  element.addEventListener('attache-error', ({ detail }) => console.warn(detail.code, detail.hint));
  addLocale('de', { send: 'Senden', newer: { one: '{count} neue Nachricht', other: '{count} neue Nachrichten' } });
  // @ts-expect-error there is no such word
  addLocale('de', { sendd: 'Senden' });
  const { documentId } = conversation.addFile(customer.party, { name: 'report.pdf' });
  return documentId;
}
