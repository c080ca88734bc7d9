"""Clients of HTTPS, each package a node of its own; `clients.py` knows what they have to find."""

import hashlib
import os

from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification

BODY = bytes(range(256)) * 4096
# What the operator's relay answers to nobody.
REFUSED = "https://evil.example.org/"


def use_requests(server, authority, proxy):
    """Requests: a session that is kept alive, a body of 1 MB both ways, redirects, a refused host."""
    import requests

    session = requests.Session()
    session.verify = authority
    session.trust_env = proxy

    def refusal(address):
        try:
            session.get(address, timeout=30)
        except requests.RequestException as error:
            return f"{type(error).__name__}: {error}"
        return "it was reached"

    return talk(session.get, session.post, refusal, server)


def use_httpx(server, authority, proxy):
    """HTTPX: a client that is kept alive, a body of 1 MB both ways, redirects, a refused host."""
    import ssl

    import httpx

    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(verify=context, trust_env=proxy, follow_redirects=True, timeout=30) as client:

        def post(address, data, timeout):
            return client.post(address, content=data, timeout=timeout)

        def refusal(address):
            try:
                client.get(address)
            except httpx.TransportError as error:
                return f"{type(error).__name__}: {error}"
            return "it was reached"

        return talk(client.get, post, refusal, server)


def talk(get, post, refusal, server):
    """What both do, in the words that both have."""
    peers = {get(f"{server}/peer", timeout=30).text for _ in range(5)}
    posted = post(f"{server}/post", data=BODY, timeout=30).json()
    echoed = post(f"{server}/echo", data=BODY, timeout=30).content
    moved = get(f"{server}/redirect/3", timeout=30)
    # From port 80 of the same host, which says that it is at port 443.
    secured = get(f"{server.replace('https', 'http', 1)}/post", timeout=30)
    return {
        "connections": len(peers),
        "posted": posted["bytes"] == len(BODY) and posted["sha256"] == hashlib.sha256(BODY).hexdigest(),
        "echoed": echoed == BODY,
        "redirects": [len(moved.history), moved.status_code, str(moved.url).removeprefix(server)],
        "secured": str(secured.url).removeprefix(server),
        "missing": get(f"{server}/nothing", timeout=30).status_code,
        "refused": refusal(REFUSED),
        # A server that sends its clients elsewhere doesn't get them there.
        "sent_away": refusal(f"{server}/away"),
    }


USES = {"requests": use_requests, "httpx": use_httpx}


class Use(DeclaredNode):
    def execute(self, inputs, context):
        authority = os.path.join(context.scratch, "authority.pem")
        with open(authority, "w", encoding="ascii") as file:
            file.write(self.parameters["authority"])
        use = USES[self.specification.node_type]
        return {"result": use(self.parameters["server"], authority, self.parameters["proxy"])}


def node(name):
    """A class of nodes for each package."""
    specification = NodeSpecification(
        name, name, "Tests", USES[name].__doc__,
        outputs=[PortSpecification("result", "any", "Result", "What was found")],
        parameters=[
            ParameterSpecification("server", "string", "Server", "Its address, without a slash at the end", ""),
            ParameterSpecification("authority", "string", "Authority", "The certificate of who vouches for it", ""),
            ParameterSpecification(
                "proxy", "boolean", "Proxy", "Whether to look at the variables that name a proxy", True
            ),
        ],
    )
    return type("Use", (Use,), {"specification": specification})


class Clients(DeclaredPlugin):
    nodes = tuple(node(name) for name in USES)
