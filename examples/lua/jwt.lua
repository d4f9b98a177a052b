-- Requests need a signed token (RFC 7519): who signed it, for whom it is, and until when.
--
--     lua-load-per-thread /etc/weir/lua/jwt.lua HS256 the-secret my-api
--     http-request lua.jwt
--
-- Arguments: the algorithm, the secret or the file of the public key, the audience. The claim "sub" goes to the server as X-User.

local algorithm, key, audience = ...

local function refuse(txn, why)
    txn:Info("jwt: " .. why)
    txn:done(txn:reply { status = 401, headers = { ["www-authenticate"] = { 'Bearer error="invalid_token"' } } })
end

core.register_action("jwt", { "http-req" }, function(txn)
    txn.http:req_del_header("x-user") -- nobody says that but us
    local token = txn.sf:req_hdr("authorization"):match("^[Bb]earer%s+(%S+)$")
    if token == nil then return refuse(txn, "no token") end
    if txn.sc:jwt_header_query(token, "$.alg") ~= algorithm then return refuse(txn, "another algorithm") end
    if tostring(txn.c:jwt_verify(token, algorithm, key)) ~= "1" then return refuse(txn, "the signature is wrong") end
    local expires = tonumber(txn.sc:jwt_payload_query(token, "$.exp", "int"))
    if expires == nil or expires <= core.now().sec then return refuse(txn, "it has expired") end
    if txn.sc:jwt_payload_query(token, "$.aud") ~= audience then return refuse(txn, "it is for somebody else") end
    txn.http:req_set_header("x-user", txn.sc:jwt_payload_query(token, "$.sub"))
end)
