-- Cross-origin requests (the Fetch standard, "CORS protocol"): answers preflights, and adds the fields to answers.
--
--     lua-load-per-thread /etc/weir/lua/cors.lua https://app.example.com https://admin.example.com
--     http-request  lua.cors-preflight
--     http-response lua.cors
--
-- Arguments: the origins that may ask ("*": all, without credentials).

local allowed, any = {}, false
for _, origin in ipairs({ ... }) do
    any = any or origin == "*"
    allowed[origin] = true
end

local function is_allowed(origin)
    return any or allowed[origin] == true
end

core.register_action("cors-preflight", { "http-req" }, function(txn)
    local origin = txn.sf:req_hdr("origin")
    txn:set_var("txn.origin", origin)
    if txn.f:method() ~= "OPTIONS" or txn.sf:req_hdr("access-control-request-method") == "" then return end
    local reply = txn:reply { status = 204, headers = { vary = { "origin" } } }
    if is_allowed(origin) then
        reply:add_header("access-control-allow-origin", any and "*" or origin)
        reply:add_header("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
        local wanted = txn.sf:req_fhdr("access-control-request-headers")
        if wanted ~= "" then reply:add_header("access-control-allow-headers", wanted) end
        reply:add_header("access-control-max-age", "600")
    end
    txn:done(reply)
end)

core.register_action("cors", { "http-res" }, function(txn)
    local origin = txn:get_var("txn.origin") or ""
    txn.http:res_add_header("vary", "origin")
    if origin ~= "" and is_allowed(origin) then
        txn.http:res_set_header("access-control-allow-origin", any and "*" or origin)
        if not any then txn.http:res_set_header("access-control-allow-credentials", "true") end
    end
end)
