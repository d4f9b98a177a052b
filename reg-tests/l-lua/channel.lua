-- Actions that change what passes: channel.vtc.

-- "who: TEXT\n" becomes a greeting for the client, and a line for the server.
core.register_action("greet", { "tcp-req" }, function(txn)
    local line = txn.req:line()
    if not line:find("\n") then return act.YIELD end
    txn.res:send("hello " .. line:sub(6))
    txn.req:set("user=" .. line:sub(6), 0, #line)
    txn.req:prepend("first\n")
    txn.req:append("last\n")
    txn.req:insert("second\n", 6)
end)

-- What is sent or given on counts as output, in front of what is still to come.
core.register_action("count", { "tcp-req" }, function(txn)
    txn.req:send("sent\n")
    txn.req:forward(3)
    txn.req:send("+")
    local input = txn.req:input()
    txn.req:remove(0, 1)
    txn.req:append(string.format("%d %d %s", input, txn.req:output(), txn.req:data()))
end)

core.register_action("answer", { "tcp-res" }, function(txn)
    txn.res:set(txn.res:data():upper())
end)

core.register_action("edit", { "http-req" }, function(txn)
    local fine, why = pcall(txn.req.append, txn.req, "x")
    txn:set_var("txn.why", tostring(fine))
end)

core.register_service("echo", "tcp", function(applet)
    while true do
        local text = applet:receive()
        if not text or text == "" then return end
        applet:send(text)
    end
end)
