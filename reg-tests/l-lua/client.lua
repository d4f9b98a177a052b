-- Requests of client.vtc: what is asked stands in header fields, what came of it leaves in the body.
local function show(value)
    if type(value) ~= "table" then return tostring(value) end
    local out = {}
    for name, item in pairs(value) do
        out[#out + 1] = tostring(name) .. "=" .. show(item)
    end
    table.sort(out)
    return "{" .. table.concat(out, " ") .. "}"
end

local function at(applet, path)
    return "http://127.0.0.1:" .. applet.headers["x-port"][0] .. path
end

core.register_service("ask", "http", function(applet)
    local client, out = core.httpclient(), {}
    local function note(res) out[#out + 1] = show(res) end
    note(client:get{ url = at(applet, "/a?b=c#d"), headers = { ["X-A"] = { "1", "2" }, host = "me", ["x-b"] = "3" } })
    note(client:get{ url = at(applet, "?q"), headers = { ["content-length"] = { "7" }, ["user-agent"] = { "mine" } } })
    note(client:head{ url = at(applet, "/head") })
    note(client:post{ url = at(applet, "/post"), body = "xyz" })
    note(client:put{ url = at(applet, "/put"), body = "" })
    note(client:delete{ url = at(applet, "/delete") })
    note(client:get{ url = "http://some.invalid/dst", dst = "127.0.0.1:" .. applet.headers["x-port"][0] })
    applet:start_response()
    applet:send(table.concat(out, "\n"))
end)

core.register_service("sizes", "http", function(applet)
    local body = string.rep("z", 3000000)
    local echo = core.httpclient():post{ url = at(applet, "/echo"), body = body }
    local early = core.httpclient():post{ url = at(applet, "/deaf"), body = body }
    applet:start_response()
    applet:send(show(echo.body == body) .. " " .. early.status)
end)

core.register_service("fails", "http", function(applet)
    local client, out = core.httpclient(), {}
    local function status(req)
        local res = client:get(req)
        out[#out + 1] = res.status .. " " .. res.reason .. " " .. show(#res.body > 0)
    end
    local function err(...)
        local fine, what = pcall(...)
        out[#out + 1] = fine and "no error" or (what:gsub("^.*lua:%d+: ", ""))
    end
    status{ url = "http://127.0.0.1:1/" }
    status{ url = "http://name.invalid/" }
    status{ url = "gopher://127.0.0.1/" }
    status{ url = "http://127.0.0.1:99999/" }
    status{ url = "http://127.0.0.1/a b" }
    status{ url = at(applet, "/slow"), timeout = 100 }
    status{ url = "http://127.0.0.1:" .. applet.headers["x-junk"][0] .. "/" }
    status{ url = "https://127.0.0.1:" .. applet.headers["x-tls"][0] .. "/" }
    err(client.get, client, {})
    err(client.get, client, { url = at(applet, "/"), foo = 1 })
    err(client.get, client, { url = at(applet, "/"), headers = { ["a b"] = { "c" } } })
    err(client.get, client, { url = at(applet, "/"), headers = { a = { "c\r\nd: e" } } })
    err(client.get, client, { url = at(applet, "/"), dst = "nowhere" })
    err(client.get, client)
    applet:start_response()
    applet:send(table.concat(out, "\n"))
end)

core.register_service("tls", "http", function(applet)
    local res = core.httpclient():get{ url = "https://site.example:" .. applet.headers["x-tls"][0] .. "/s",
                                       dst = "127.0.0.1:" .. applet.headers["x-tls"][0] }
    local other = core.httpclient():get{ url = "https://other.example:" .. applet.headers["x-tls"][0] .. "/s",
                                         dst = "127.0.0.1:" .. applet.headers["x-tls"][0] }
    local address = core.httpclient():get{ url = "https://127.0.0.2:" .. applet.headers["x-tls"][0] .. "/s",
                                           dst = "127.0.0.1:" .. applet.headers["x-tls"][0] }
    applet:start_response()
    applet:send(res.status .. " " .. show(res.headers["x-sni"]) .. " " .. other.status .. " " .. address.status)
end)

-- What may pass is decided by somebody else.
core.register_action("auth-request", { "http-req" }, function(txn, port)
    local res = core.httpclient():get{ url = "http://127.0.0.1:" .. txn.f:req_hdr("x-port") .. "/auth",
                                       headers = { cookie = { txn.sf:req_hdr("cookie") } } }
    txn:set_var("txn.auth_status", res.status)
    if res.headers["x-user"] then txn:set_var("txn.auth_user", res.headers["x-user"][0]) end
end)

-- Kept connections, one of which dies under a request.
core.register_action("again", { "http-req" }, function(txn)
    local url, out = "http://" .. txn.f:req_hdr("x-at") .. "/", {}
    for i = 1, 3 do
        out[i] = core.httpclient():get{ url = url .. i }.status
    end
    txn:set_var("txn.said", table.concat(out, ","))
end)

-- Somebody who goes away takes what he waits for with him.
core.register_service("wait", "http", function(applet)
    core.httpclient():get{ url = at(applet, "/slow") }
    applet:start_response()
end)

local told = ""
core.register_fetches("told", function() return told end)
core.register_action("spawn", { "http-req" }, function(txn)
    local port = txn.f:req_hdr("x-port")
    core.register_task(function()
        told = core.httpclient():get{ url = "http://127.0.0.1:" .. port .. "/task" }.body
    end)
end)

-- The servers.
core.register_service("say", "http", function(applet)
    local names = {}
    for name, values in pairs(applet.headers) do
        for i = 0, #values do names[#names + 1] = name .. "=" .. values[i] end
    end
    table.sort(names)
    local body = applet.method .. " " .. applet.path .. "?" .. applet.qs .. " " .. table.concat(names, ",") .. " "
                 .. applet:receive()
    body = body:gsub("127.0.0.1:%d+", "HOST")
    applet:set_status(202, "Fine")
    applet:add_header("x-a", "1")
    applet:add_header("x-a", "2")
    applet:add_header("content-length", #body)
    applet:start_response()
    applet:send(body)
end)
core.register_service("echo", "http", function(applet)
    applet:start_response()
    while true do
        local piece = applet:receive(50000)
        if piece == "" then return end
        applet:send(piece)
    end
end)
core.register_service("deaf", "http", function(applet)
    applet:set_status(403)
    applet:start_response()
end)
core.register_service("slow", "http", function(applet)
    core.msleep(500)
    applet:start_response()
end)
core.register_service("junk", "tcp", function(applet)
    applet:getline()
    applet:send("this is no HTTP\r\n\r\n")
end)
