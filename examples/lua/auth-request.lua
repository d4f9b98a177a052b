-- auth-request: another HTTP service decides who may pass.
--
--     http-request lua.auth-request <host:port> <path>
--     http-request deny deny_status 401 unless { var(txn.auth_ok) -m bool }
--
-- The service is sent the fields of the request, but not its body. Status 2xx lets the request pass. What it
-- answered is in txn.auth_status, its fields in req.auth.<name>, with "-" written as "_".

local function fields_of(txn)
    local out = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        out[name] = values
    end
    out["x-original-method"] = { txn.sf:method() }
    out["x-original-url"] = { txn.sf:url() }
    return out
end

core.register_action("auth-request", { "http-req" }, function(txn, where, path)
    txn:set_var("txn.auth_ok", false)
    local res = core.httpclient():get{
        url = "http://" .. where .. path,
        headers = fields_of(txn),
        timeout = 2000,
    }
    txn:set_var("txn.auth_status", res.status)
    txn:set_var("txn.auth_ok", res.status >= 200 and res.status < 300)
    for name, values in pairs(res.headers) do
        txn:set_var("req.auth." .. name:gsub("-", "_"), values[0])
    end
end, 2)
