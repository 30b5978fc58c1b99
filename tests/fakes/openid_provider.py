"""A real OpenID provider on this machine: Authlib's own authorization server behind HTTP.

It asks nobody for a password: whoever comes is `provider.person`. `spoil` changes the token it signs, and
`signing_key` what it signs with, so that a test can be a provider that is wrong in one way.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from authlib.common.security import generate_token
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from fastapi import FastAPI, Request, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "own-words", "a secret of the test"


class Client(ClientMixin):
    """The desk, as the provider knows it."""

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/desk/sign-in/provider/return")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    code: str
    redirect_uri: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    person: dict[str, Any]

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return "openid profile"

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Provider:
    issuer: str
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "person-1"})
    spoil: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signing_key: RSAKey | None = None
    codes: dict[str, Code] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)  # to the token endpoint


class Server(AuthorizationServer):
    """Authlib's server, joined to FastAPI's requests and answers."""

    def __init__(self, provider: Provider) -> None:
        super().__init__(scopes_supported=["openid", "profile"])
        self.provider = provider
        self.register_token_generator(
            "default", BearerTokenGenerator(lambda **_: generate_token(42), expires_generator=lambda *_: 600)
        )

    def query_client(self, client_id: str) -> Client | None:
        return Client() if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        pass

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        pass

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        from fastapi.responses import JSONResponse

        if isinstance(body, dict):
            return JSONResponse(body, status_code=status, headers=dict(headers))
        return Response(body or "", status_code=status, headers=dict(headers))


def _grant(provider: Provider) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

        def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
            data = request.payload.data
            provider.codes[code] = Code(
                code,
                request.payload.redirect_uri,
                data.get("nonce"),
                data.get("code_challenge"),
                data.get("code_challenge_method"),
                dict(provider.person),
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            provider.codes.pop(authorization_code.code, None)

        def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
            return authorization_code.person

    return Grant


def _tokens(provider: Provider) -> OpenIDCode:
    class Tokens(OpenIDCode):
        def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
            return any(code.nonce == nonce for code in provider.codes.values())

        def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
            now = int(time.time())
            claims = {"iss": provider.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
            claims |= self.get_authorization_code_claims(request.authorization_code) | request.user
            key = provider.signing_key or provider.key
            return jwt.encode({"alg": "RS256", "kid": key.kid}, provider.spoil(claims), key)

    return Tokens(require_nonce=True)


class _Request(OAuth2Request):
    def __init__(self, request: Request, form: dict[str, str]) -> None:
        super().__init__(request.method, str(request.url), headers=request.headers)
        self._given = form
        self.payload = BasicOAuth2Payload(dict(request.query_params) | form)

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        return self._given


def _application(provider: Provider) -> FastAPI:
    server = Server(provider)
    server.register_grant(_grant(provider), [_tokens(provider), CodeChallenge(required=True)])
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def describe() -> dict[str, str]:
        return {
            "issuer": provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/authorize",
            "token_endpoint": f"{provider.issuer}/token",
            "jwks_uri": f"{provider.issuer}/keys",
        }

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        return {"keys": [provider.key.as_dict(private=False)]}

    @app.get("/authorize")
    def authorize(request: Request) -> Response:
        ours = _Request(request, {})
        grant = server.get_consent_grant(ours, provider.person)
        return server.create_authorization_response(ours, provider.person, grant)

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        provider.requests.append(form)
        return server.create_token_response(_Request(request, form))

    return app


@contextlib.contextmanager
def running_provider() -> Iterator[Provider]:
    """The provider, served on a port of this machine until the block ends."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        provider = Provider(f"http://localhost:{listener.getsockname()[1]}")
        web = uvicorn.Server(uvicorn.Config(_application(provider), log_level="warning"))
        thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + 60
        while not web.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            yield provider
        finally:
            web.should_exit = True
            thread.join(30)
