// Every page, in every state that a token can bring it into.

/** Names and addresses below the mount. */
export async function pages(demo) {
  const at = async (name, rest = "") => `t/${await demo.id(name)}${rest}`;
  return {
    list: "",
    "list with nothing found": "?q=nothing-is-called-like-this",
    "list of revoked": "?status=revoked",
    attention: "attention",
    create: "new",
    "create from a preset": "new?preset=warehouse",
    token: await at("Warehouse sync"),
    "token for a week": await at("Warehouse sync", "?range=7d"),
    "token, limited": await at("Nordic POS"),
    "token, never used": await at("Partner Lindqvist"),
    "token, in its grace period": await at("Catalogue editor"),
    "token, paused": await at("Loyalty app"),
    "token, expired and called": await at("Autumn campaign"),
    "token, revoked": await at("Key left in a repository"),
    "token with a hostile name": await at("<script>window.hacked = 1</script>"),
    "token with a long name": await at(
      "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, Abteilung Süd",
    ),
    calls: await at("Warehouse sync", "/calls"),
    "history of a token": await at("Warehouse sync", "/history"),
    settings: await at("Warehouse sync", "/settings"),
    rotate: await at("Warehouse sync", "/rotate"),
    pause: await at("Warehouse sync", "/pause"),
    "revoke what is used": await at("Warehouse sync", "/revoke"),
    "revoke what is not": await at("Partner Lindqvist", "/revoke"),
    purge: await at("Key left in a repository", "/purge"),
    usage: "usage",
    history: "history",
    keys: "keys",
    "nothing there": "t/tok_AAAAAAAAAAAAAAAA",
  };
}

/** Those that answer with something else than 200. */
export const STATUS = { "nothing there": 404 };
