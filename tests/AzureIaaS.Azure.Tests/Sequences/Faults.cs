using AzureIaaS.ArmDouble;

namespace AzureIaaS.Azure.Tests.Sequences;

/// <summary>Troubles that come by chance: before a request has its effect, after it, or instead of an operation's end.</summary>
internal sealed class Faults
{
    private readonly Random _random;
    private readonly object _gate = new();

    public Faults(int seed, ArmDouble.Arm arm)
    {
        _random = new Random(seed);
        arm.Intercept = Before;
        arm.Afterwards = After;
    }

    /// <summary>How likely a request is to meet one.</summary>
    public double Rate { get; set; }

    /// <summary>After how many requests the process dies, as far as the resource manager can tell; null for never.</summary>
    public int? DiesAfter { get; set; }

    /// <summary>Whether it is dead.</summary>
    public bool IsDead => DiesAfter <= 0;

    private Answer? Before(Request request)
    {
        lock (_gate)
        {
            if (DiesAfter > 0)
                DiesAfter--;
            if (IsDead)
                throw new HttpRequestException("the process is gone");
            if (_random.NextDouble() >= Rate)
                return null;
            return _random.Next(7) switch
            {
                0 => Answer.Error(429, "OperationNotAllowed", "Too many requests.", ("Retry-After", "1")),
                1 => Answer.Error(429, "TooManyRequests", "Too many requests."),
                2 => Answer.Error(500, "InternalServerError", "Something."),
                3 => Answer.Error(503, "ServerBusy", "Busy."),
                4 when request.Method != "GET" => Answer.Error(409, "AnotherOperationInProgress", "Another operation is in progress."),
                5 when request.Method != "GET" => Answer.Error(412, "PreconditionFailed", "Changed."),
                _ => throw new HttpRequestException("connection reset by peer"),
            };
        }
    }

    private Answer After(Request request, Answer answer)
    {
        lock (_gate)
        {
            if (_random.NextDouble() >= Rate || answer.Status >= 400)
                return answer;
            // The effect is there; the answer is lost on the way.
            return _random.Next(3) switch
            {
                0 => Answer.Error(504, "GatewayTimeout", "The gateway did not receive a response in time."),
                1 => Answer.Error(502, "BadGateway", "Bad gateway."),
                _ => throw new HttpRequestException("connection reset by peer"),
            };
        }
    }
}
