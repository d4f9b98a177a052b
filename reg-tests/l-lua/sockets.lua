-- Sockets of sockets.vtc. Ports come in header fields, results leave in one.
local function show(...)
    local out = {}
    for i = 1, select("#", ...) do
        out[i] = tostring((select(i, ...)))
    end
    return table.concat(out, ",")
end

local function try(fn, ...)
    local fine, what = pcall(fn, ...)
    return fine and "no error" or (what:gsub("^.*lua:%d+: ", ""))
end

local function answer(applet, out)
    applet:start_response()
    applet:send(table.concat(out, "\n"))
end

-- Upper case, line by line; "quit" ends it, "wait" makes it slow.
core.register_service("upper", "tcp", function(applet)
    while true do
        local line = applet:getline()
        if line == "" or line == "quit\n" then return end
        if line == "wait\n" then core.msleep(400) end
        applet:send(line:upper())
    end
end)
core.register_service("once", "tcp", function(applet)
    applet:send("one\r\ntwo\r\nthree")
    applet:send(applet:getline())
end)
core.register_service("count", "tcp", function(applet) applet:send(tostring(#applet:receive())) end)
core.register_service("much", "tcp", function(applet)
    local line = string.rep("y", 99999) .. "\n"
    for _ = 1, 20 do applet:send(line) end
end)

core.register_service("talk", "http", function(applet)
    local port = tonumber(applet.headers["x-port"][0])
    local socket, out = core.tcp(), {}
    out[1] = show(socket:settimeout(2)) .. " " .. show(socket:connect("127.0.0.1", port))
    out[2] = show(socket:getpeername() == "127.0.0.1:" .. port, socket:getsockname():match("^127.0.0.1:%d+$") ~= nil)
    out[3] = show(socket:send("hello\n")) .. " " .. show(socket:receive("*l"))
    out[4] = show(socket:send("a\nbcdef\n")) .. " " .. show(socket:receive()) .. " " .. show(socket:receive(2)) .. " "
             .. show(socket:receive(3, "pre-"))
    out[5] = show(socket:receive("l", "then-")) .. " " .. show(socket:send("xyzabc\n", 4)) .. " " .. show(socket:receive())
    out[6] = show(socket:send("0123456\n", 2, 4)) .. " " .. show(socket:send("\n")) .. " " .. show(socket:receive())
    socket:settimeout(0.1)
    out[7] = show(socket:send("wait\n")) .. " " .. show(socket:receive(7, "p")) .. " "
    socket:settimeout(2)
    out[8] = show(socket:receive()) .. " " .. show(socket:send("rest")) .. show(socket:send("\nquit\n"))
    out[9] = show(socket:receive("*a"))
    out[10] = show(socket:receive("*l")) .. " " .. show(socket:receive(1, "p")) .. " " .. show(socket:receive("*a"))
    out[11] = show(socket:close()) .. show(socket:close()) .. " " .. show(socket:send("x")) .. " " .. show(socket:receive())
    out[12] = show(socket:getpeername(), socket:getsockname(), socket:setoption("a", 1))
    out[13] = show(socket:connect("127.0.0.1:" .. port)) .. " " .. show(socket:send("x\n")) .. " " .. show(socket:receive())
    answer(applet, out)
end)

core.register_service("once-http", "http", function(applet)
    local socket, out = core.tcp(), {}
    socket:connect("127.0.0.1", tonumber(applet.headers["x-port"][0]))
    socket:send("!")
    out[1] = show(socket:receive())
    socket:send("\n")
    out[2] = show(socket:receive("*l"))
    out[3] = show(socket:receive("*l"))
    answer(applet, out)
end)

core.register_service("errors", "http", function(applet)
    local socket, out = core.tcp(), {}
    out[1] = show(socket:connect("127.0.0.1", 1))
    out[2] = try(socket.connect, socket, "127.0.0.1")
    out[3] = try(socket.connect, socket, "300.1.1.1", 80)
    out[4] = try(socket.connect, socket, "some.name", 80)
    out[5] = try(socket.connect, socket, "127.0.0.1", 65536)
    out[6] = try(socket.receive, socket, "*z")
    out[7] = try(socket.receive, socket, -1)
    out[8] = try(socket.settimeout, socket, -1)
    out[9] = try(socket.send, socket)
    out[10] = try(socket.send, {})
    out[11] = try(coroutine.wrap(function() socket:connect("127.0.0.1", tonumber(applet.headers["x-port"][0])) end))
    out[12] = show(core.tcp():send("x"))
    answer(applet, out)
end)

core.register_service("much-http", "http", function(applet)
    local port, count = tonumber(applet.headers["x-port"][0]), tonumber(applet.headers["x-count"][0])
    local socket = core.tcp()
    socket:connect("127.0.0.1", port)
    local all = socket:receive("*a")
    socket:close()
    socket:connect("127.0.0.1", port)
    local line = socket:receive("*l")
    local sink = core.tcp()
    sink:connect("127.0.0.1", count)
    answer(applet, { #all, #line, show(sink:send(string.rep("z", 3000000))) })
end)

core.register_service("tls", "http", function(applet)
    local port = tonumber(applet.headers["x-port"][0])
    local socket, out = core.tcp(), {}
    socket:settimeout(2)
    out[1] = show(socket:connect_ssl("127.0.0.1", port))
    out[2] = show(socket:send("GET / HTTP/1.0\r\nhost: a\r\n\r\n")) .. " " .. show(socket:receive("*l"))
    out[3] = show(#socket:receive("*a") > 10)
    local plain = core.tcp()
    plain:settimeout(0.2)
    out[4] = show(plain:connect_ssl("127.0.0.1", tonumber(applet.headers["x-plain"][0])))
    answer(applet, out)
end)

-- The same from an action and from a task.
core.register_action("ask", { "http-req" }, function(txn, port)
    local socket = core.tcp()
    socket:connect("127.0.0.1", tonumber(txn.f:req_hdr("x-port")))
    socket:send(txn.f:path() .. "\n")
    txn:set_var("txn.said", socket:receive())
end)
local told = ""
core.register_fetches("told", function() return told end)
core.register_action("spawn", { "http-req" }, function(txn)
    local port = tonumber(txn.f:req_hdr("x-port"))
    core.register_task(function()
        local socket = core.tcp()
        socket:connect("127.0.0.1", port)
        socket:send("from a task\n")
        told = socket:receive()
    end)
end)
-- Nobody closes these.
core.register_action("leak", { "http-req" }, function(txn)
    core.tcp():connect("127.0.0.1", tonumber(txn.f:req_hdr("x-port")))
    collectgarbage()
end)
