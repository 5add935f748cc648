// Says that the desk is still being set up, for as long as it is.
const LOOK_MS = 1500;

async function isSettingUp() {
  try {
    const answer = await fetch("/healthz", { cache: "no-store" });
    return (await answer.json()).setting_up !== false;
  } catch { return true; } // not reachable for a moment: nothing is known
}

export default function setup(notice) {
  const look = async () => {
    if (await isSettingUp()) setTimeout(look, LOOK_MS);
    else notice.remove();
  };
  setTimeout(look, LOOK_MS);
}
