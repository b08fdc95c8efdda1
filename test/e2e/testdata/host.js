// As an application does: its own server makes the tokens.
for (const side of ['agent', 'customer']) {
  document.getElementById(side).token = async () => {
    const response = await fetch(`token?side=${side}`, { cache: 'no-store' });
    if (!response.ok) throw new Error(`no token: ${response.status}`);
    return response.text();
  };
}
